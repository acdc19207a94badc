"""The way back: weights that Vesalius wrote, loaded into the peers' networks with `strict=True`.

    pip install torch monai nnunetv2 safetensors
    python strict_load.py VESALIUS GOLDEN     # the binary, and the folder of golden networks

For each case, `vesalius model convert` turns weights.pt into safetensors; PyTorch loads them strictly and
must give output.npy again (another processor rounds otherwise). Printed by MONAI 1.6.1, nnU-Net 2.8.1, PyTorch 2.15: see
strict_load.txt beside this script.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from safetensors.torch import load_file


def build(architecture):
    if "_target_" in architecture:
        import monai.networks.nets as nets

        arguments = dict(architecture)
        return getattr(nets, arguments.pop("_target_").rsplit(".", 1)[1])(**arguments)
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    keys = ("network_class_name", "arch_kwargs", "_kw_requires_import", "input_channels", "num_classes")
    return get_network_from_plans(*(architecture[key] for key in keys), deep_supervision=False)


vesalius, golden = sys.argv[1], pathlib.Path(sys.argv[2])
for case in sorted(folder for folder in golden.iterdir() if (folder / "weights.pt").exists()):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "weights.safetensors"
        command = [vesalius, "model", "convert", case / "weights.pt", out, "--architecture", case / "architecture.json"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(case.name, "refused:", done.stderr.strip()[:120])
            continue
        network = build(json.loads((case / "architecture.json").read_text())).eval()
        network.load_state_dict(load_file(out), strict=True)
        with torch.inference_mode():
            output = network(torch.from_numpy(np.load(case / "input.npy")))
        output = output[0] if isinstance(output, (list, tuple)) else output
        expected = np.load(case / "output.npy")
        difference = np.abs(output.numpy() - expected).max() / np.abs(expected).max()
        print(case.name, "loads strictly, output", f"{difference:.1e}", "from the stored one")
