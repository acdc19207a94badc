"""A network whose weights are about 1 GB, as a MONAI bundle, a .pt and a .safetensors, to measure how much
memory a load takes.

    pip install torch monai safetensors
    python tests/parity/large_weights.py FOLDER
    /usr/bin/time -v vesalius model run --architecture FOLDER --input FOLDER/input.npy --output FOLDER/output.npy
    /usr/bin/time -v vesalius model convert FOLDER FOLDER/converted.safetensors
"""
import json
import pathlib
import sys

import numpy as np
import torch
from monai.networks.nets import DynUNet

folder = pathlib.Path(sys.argv[1])
arguments = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "kernel_size": [3] * 5, "strides": [1, 2, 2, 2, 2], "upsample_kernel_size": [2] * 4,
             "filters": [64, 128, 256, 896, 1792]}
network = DynUNet(**arguments)
for part in ("configs", "models"):
    (folder / part).mkdir(parents=True, exist_ok=True)
config = {"levels": arguments.pop("filters"), "device": "$torch.device('cpu')",
          "network_def": {"_target_": "DynUNet", **arguments, "filters": "@levels"}, "network": "$@network_def.to(@device)"}
(folder / "configs/inference.json").write_text(json.dumps(config, indent=1))
torch.save(network.state_dict(), folder / "models/model.pt")
print(sum(p.numel() for p in network.parameters()), "parameters", (folder / "models/model.pt").stat().st_size / 1e6, "MB")
np.save(folder / "input.npy", np.random.default_rng(0).standard_normal((1, 1, 32, 32, 32), dtype=np.float32))
with torch.inference_mode():
    np.save(folder / "expected.npy", network.eval()(torch.from_numpy(np.load(folder / "input.npy"))).numpy())
try:
    from safetensors.torch import save_file

    # DynUNet's state dict holds every tensor under several names; one of each is written.
    own = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith("skip_layers.")}
    save_file(own, folder / "weights.safetensors")
except ImportError:
    pass
