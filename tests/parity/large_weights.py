"""Files of about 1 GB of weights with their architectures, to see what loading them takes.

    pip install torch monai
    python tests/parity/large_weights.py WORK
    cargo run --release --example peer_speed -- load WORK/unetr/architecture.json WORK/unetr/weights.pt

`unetr` is a wide UNETR, whose largest tensor is 27 MB; `basic_unet` holds more than half of its bytes in
one tensor, the worst that a loader can meet.
"""
import json
import pathlib
import sys

import monai.networks.nets as nets
import torch

CASES = {
    "unetr": ("UNETR", {"in_channels": 1, "out_channels": 2, "img_size": [32, 32, 32], "hidden_size": 1296, "mlp_dim": 5184, "num_heads": 12, "feature_size": 16}),
    "basic_unet": ("BasicUNet", {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "features": [64, 128, 256, 512, 2048, 64]}),
}

for name, (kind, arguments) in CASES.items():
    work = pathlib.Path(sys.argv[1]) / name
    work.mkdir(parents=True, exist_ok=True)
    network = getattr(nets, kind)(**arguments)
    torch.save(network.state_dict(), work / "weights.pt")
    described = {"_target_": f"monai.networks.nets.{kind}", **arguments}
    (work / "architecture.json").write_text(json.dumps(described))
    sizes = [p.numel() * 4 / 1e6 for p in network.parameters()]
    print(f"{name}: {sum(sizes):.0f} MB, the largest tensor {max(sizes):.0f} MB")
