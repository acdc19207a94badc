"""Parameters and floating-point operations of the peers' networks, for `crates/networks/tests/profile.rs`.

    pip install torch monai dynamic-network-architectures einops
    python tests/parity/network_costs.py > crates/networks/tests/data/profile.json

The networks of `examples/peer_speed/networks.json` on one patch of 96³, counted by PyTorch's `flop_counter`.
Weights and tensors are on the meta device: nothing is computed.
"""
import json
import warnings
from importlib.metadata import version

import torch
from network_speed import NETWORKS, build
from torch.utils.flop_counter import FlopCounterMode

warnings.simplefilter("ignore")
cases = {}
for name, architecture in json.loads(NETWORKS.read_text()).items():
    if "img_size" in architecture:
        architecture["img_size"] = [96, 96, 96]
    network = build(architecture).eval()
    parameters = sum(p.numel() for p in network.parameters())
    try:
        network, x = network.to("meta"), torch.empty(1, 1, 96, 96, 96, device="meta")
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(x)
    except (RuntimeError, NotImplementedError):
        # Some make tensors on the CPU while they run.
        network = build(architecture).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(torch.zeros(1, 1, 96, 96, 96))
    cases[name] = {"parameters": parameters, "flops": counter.get_total_flops()}
print(json.dumps({"versions": {name: version(name) for name in ("torch", "monai", "dynamic-network-architectures")}, "networks": cases}, indent=1))
