"""Reads a run's event files with the Python package `tensorboard` and holds them against its log.

    pip install tensorboard
    python tests/parity/tensorboard_read.py RUN_FOLDER

RUN_FOLDER is the `--output` of `vesalius train`. Prints what was found, and fails where a number,
the config or a picture is missing or differs. Its last output stands in tensorboard_read.txt.
"""
import json
import pathlib
import sys

import tensorboard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = pathlib.Path(sys.argv[1])
log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
steps = [event for event in log if event["event"] == "step"]
validations = [event for event in log if event["event"] == "validated"]
board = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
board.Reload()
tags = board.Tags()
print("tensorboard", tensorboard.__version__)
print("scalars", sorted(tags["scalars"]))


def same(tag, events, key):
    found = [(event.step, event.value) for event in board.Scalars(tag)]
    expected = [(event["step"], event[key]) for event in events]
    assert [step for step, _ in found] == [step for step, _ in expected], tag
    worst = max(abs(a[1] - b[1]) / max(abs(b[1]), 1e-9) for a, b in zip(found, expected))
    assert worst < 1e-6, (tag, worst)
    print(f"{tag}: {len(found)} values, largest relative difference {worst:.1e}")


same("train/loss", steps, "loss")
same("train/learning_rate", steps, "learning_rate")
same("train/gradient_norm", steps, "gradient_norm")
same("validation/dice", validations, "dice")
config = board.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()
assert f"name: {config.split('name: ')[1].split()[0]}" in (run / "training.yaml").read_text()
print("config:", len(config), "characters of Markdown")
for tag in tags["images"]:
    images = board.Images(tag)
    assert [image.step for image in images] == [event["step"] for event in validations]
    assert all(image.encoded_image_string.startswith(b"\x89PNG") for image in images)
    print(f"{tag}: {len(images)} pictures of {images[0].width} x {images[0].height}")
assert tags["images"], "no picture"
print("all agree")
