"""Outputs of MONAI's `DiNTS` with made weights, for `crates/networks/tests/dints.rs`.

    pip install torch monai dynamic-network-architectures einops
    python tests/parity/dints.py

Weights and inputs are those of `gradients.py`; the network computes in double precision. Every 61st value of the outputs at two
sizes is stored, and the number of operations that PyTorch's `flop_counter` finds at the first.
"""
import json
import pathlib
from importlib.metadata import version

import numpy as np
import torch
from monai.networks.nets.dints import DiNTS, TopologyInstance
from torch.utils.flop_counter import FlopCounterMode

from gradients import made, weight
from searched import architecture

STEP = 61


def case(name, seed, dims, blocks, depths, downsample, sizes, nodes=None, **more):
    paths, operations, node_a = architecture(seed, blocks, depths, 5 if dims == 3 else 2)
    for row, depth in nodes or []:
        node_a[row][depth] = 0
    space = {"_target_": "TopologyInstance", "arch_code": [paths, operations], "channel_mul": 0.25, "num_blocks": blocks, "num_depths": depths,
             "use_downsample": downsample, "spatial_dims": dims, **more}
    described = {"_target_": "monai.networks.nets.DiNTS", "dints_space": space, "in_channels": 2, "num_classes": 3, "use_downsample": downsample,
                 "spatial_dims": dims, "node_a": node_a, **more}
    options = {k: v for k, v in space.items() if k not in ("_target_", "arch_code")}
    instance = TopologyInstance(arch_code=[np.array(paths), np.array(operations)], **options)
    network = DiNTS(instance, 2, 3, spatial_dims=dims, use_downsample=downsample, node_a=torch.tensor(node_a), **more).eval()
    network.load_state_dict({k: weight(k, tuple(v.shape)) for k, v in network.state_dict().items()})
    outputs, flops = [], None
    for size in sizes:
        shape = (1, 2, *size)
        x = torch.from_numpy(made("input", int(np.prod(shape))).astype(np.float32).astype(np.float64).reshape(shape))
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            y = network(x)
        flops = flops or counter.get_total_flops()
        outputs.append({"size": list(size), "values": [float(f"{v:.9g}") for v in y.flatten()[::STEP]]})
    count = sum(p.numel() for p in network.parameters())
    print(name, count, flops, [len(o["values"]) for o in outputs])
    return {"name": name, "architecture": described, "names": sorted(network.state_dict()), "parameters": count, "flops": flops, "outputs": outputs}


if __name__ == "__main__":
    cases = [
        case("halved_first", 3, 3, 4, 3, True, [(16, 24, 32), (32, 16, 16)]),
        case("some_depths", 8, 3, 3, 4, True, [(32, 32, 48), (48, 32, 32)], nodes=[(0, 1), (3, 3)], act_name=["leakyrelu", {"negative_slope": 0.1}]),
        case("from_the_image", 5, 3, 3, 3, False, [(16, 12, 20), (8, 16, 12)]),
        case("flat", 7, 2, 3, 3, True, [(32, 48), (64, 40)]),
    ]
    out = {"script": "tests/parity/dints.py", "versions": {n: version(n) for n in ("torch", "monai")}, "step": STEP, "cases": cases}
    path = pathlib.Path(__file__).parents[2] / "crates/networks/tests/data/dints.json"
    path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
    print(path.stat().st_size, "bytes")
