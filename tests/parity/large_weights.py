"""A file of 837 MB of weights and its architecture, to see what loading it takes.

    pip install torch monai
    python tests/parity/large_weights.py WORK
    cargo run --release --example peer_speed -- load WORK/architecture.json WORK/weights.pt

The network is MONAI's BasicUNet, wide enough; the largest tensor holds 453 MB.
"""
import json
import pathlib
import sys

import monai.networks.nets as nets
import torch

work = pathlib.Path(sys.argv[1])
work.mkdir(parents=True, exist_ok=True)
arguments = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "features": [64, 128, 256, 512, 2048, 64]}
network = nets.BasicUNet(**arguments)
torch.save(network.state_dict(), work / "weights.pt")
described = {"_target_": "monai.networks.nets.BasicUNet", **arguments}
(work / "architecture.json").write_text(json.dumps(described))
print(sum(p.numel() for p in network.parameters()) * 4 / 1e6, "MB", max(p.numel() for p in network.parameters()) * 4 / 1e6, "MB")
