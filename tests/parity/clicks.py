"""Channels of clicks as MONAI's DeepEdit transforms make them, stored for the test of `ClickChannels`.

Run: python tests/parity/clicks.py
Writes crates/inferers/tests/data/clicks.json. Last run with MONAI 1.6.1 and PyTorch 2.15.0.
"""

import json
from pathlib import Path

import monai
import numpy as np
import torch
from monai.apps.deepedit.transforms import AddGuidanceSignalDeepEditd

SIZE = (9, 7, 5)
CASES = [
    {"sigma": 3, "clicks": {"organ": [[4, 3, 2], [0, 6, 4]], "background": []}},
    {"sigma": 1, "clicks": {"organ": [[8, 0, 0]], "background": [[1, 1, 1], [1, 1, 1], [2, 1, 1]]}},
]


def main():
    stored = {"monai": monai.__version__, "torch": torch.__version__, "size": SIZE, "cases": []}
    for case in CASES:
        transform = AddGuidanceSignalDeepEditd(keys="image", guidance="guidance", sigma=case["sigma"])
        image = np.zeros((1, *SIZE), dtype=np.float32)
        result = transform({"image": image, "guidance": case["clicks"]})["image"]
        # x fastest, as our volumes.
        channels = [np.asarray(c).transpose(2, 1, 0).ravel().tolist() for c in np.asarray(result)[1:]]
        stored["cases"].append({**case, "channels": [[float(f"{v:.7g}") for v in c] for c in channels]})
    target = Path(__file__).parents[2] / "crates/inferers/tests/data/clicks.json"
    target.write_text(json.dumps(stored) + "\n")


main()
