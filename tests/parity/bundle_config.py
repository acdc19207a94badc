"""MONAI's own reading of bundles' configs, for `crates/bundles/tests/bundles/parity.rs`.

For each bundle of a folder: the arguments of the network, the transforms and the inferer, and the path of the weights, as
`ConfigParser` resolves them without making any object; and the defaults of the classes that are understood.

    python tests/parity/bundle_config.py ../shared/data/bundles > crates/bundles/tests/bundles/monai.json
"""

import copy
import inspect
import json
import os
import sys

import monai
import numpy
import torch
from monai.bundle import ConfigParser
from monai.bundle.config_item import ConfigComponent

# Arguments that make objects, or choose a device.
LEFT_OUT = {"device", "transform", "func", "_target_", "dints_space", "node_a", "output_dir", "data_root_dir"}
CLASSES = [
    "LoadImaged", "EnsureChannelFirstd", "Orientationd", "Spacingd", "ScaleIntensityRanged", "ScaleIntensityd",
    "NormalizeIntensityd", "CropForegroundd", "SpatialPadd", "DivisiblePadd", "CenterSpatialCropd", "Resized", "Activationsd",
    "AsDiscreted", "Invertd", "KeepLargestConnectedComponentd", "RemoveSmallObjectsd", "FillHolesd", "SaveImaged",
]

# Small configs with an id each, for what no bundle of the zoo has.
FORMS = [
    ({"A": 1, "B": {"key": "@##A", "value1": 2, "value2": "%#value1", "value3": [3, 4, "@#1"]}}, "B"),
    ({"a": {"b": [1, {"c": 2}]}, "x": "@a#b#1::c"}, "x"),
    ({"net": {"size": "@n"}, "n": 5, "copy": "%net"}, "copy"),
    ({"text": "a#b", "mail": "me@here", "spaced": "@a b", "a": 1}, ""),
    ({"on": True, "list": [{"_target_": "A", "_disabled_": " TRUE"}, {"_target_": "B", "_disabled_": "$not @on"}, 3]}, "list"),
    ({"a": "1", "aa": "2", "x": "$@aa + @a"}, "x"),
    ({"x": "$-7 // 2 + -7 % 3 * 2"}, "x"),
    ({"x": "$[1, 2] * 2 + list(range(5, 0, -2)) + [len('abc'), max([1, 2.5]), sum([1, 2]), int(-2.5), abs(-3)]"}, "x"),
    ({"s": [96, 96, 64], "x": "$@s[-1] if len(@s) == 3 and not @s[0] < 96 else 'none'"}, "x"),
    ({"s": [1, 2, 3, 4], "x": "$@s[1:] + @s[:-3] + @s[-9:9]"}, "x"),
    ({"x": "$0 or '' or None"}, "x"),
    ({"x": "$'a' 'b' + 'c'"}, "x"),
    ({"x": "$1 / 4 + True"}, "x"),
    ({"d": {"liver": 1, "spleen": 2}, "x": "$[len(@d), @d['spleen']]"}, "x"),
    ({"i": ["$from monai.utils import CommonKeys as K", "$import numpy as n"], "x": ["$K.IMAGE", "$n.int16", "$torch.half"]}, "x"),
]


def plain(value):
    """A value as JSON has it; a type of numbers as its name."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, ConfigComponent):
        return {key: plain(inner) for key, inner in value.get_config().items() if key != "_disabled_"}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, torch.dtype):
        return {"_constant_": str(value).removeprefix("torch.")}
    if isinstance(value, type) and issubclass(value, numpy.generic):
        return {"_constant_": numpy.dtype(value).name}
    if isinstance(value, str):
        return str(value)
    return value


def arguments(parser, id):
    """The arguments of a component by id, each resolved by itself."""
    config = parser[id]
    if isinstance(config, str):
        return None
    return {
        name: plain(parser.get_parsed_content(f"{id}::{name}", instantiate=False))
        for name in config
        if name not in LEFT_OUT
    }


def chain(parser, id):
    """The transforms of a chain: class and arguments."""
    transforms = parser[f"{id}::transforms"]
    if isinstance(transforms, str):
        # A list by reference or expression: its items are components of the config.
        items = parser.get_parsed_content(f"{id}::transforms", instantiate=False)
        ids = [item.get_id() for item in items if isinstance(item, ConfigComponent)]
    else:
        ids = [f"{id}::transforms::{index}" for index in range(len(transforms))]
    return [{"class": parser[one]["_target_"], "arguments": arguments(parser, one)} for one in ids]


def loader(config, id=""):
    """The id of the `CheckpointLoader`."""
    if isinstance(config, dict) and config.get("_target_") == "CheckpointLoader":
        return id
    inner = config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else []
    found = (loader(value, f"{id}::{key}" if id else str(key)) for key, value in inner)
    return next((one for one in found if one), None)


def read(folder):
    """What MONAI makes of one bundle."""
    names = [f"{folder}/configs/inference.{ending}" for ending in ("json", "yaml")]
    parser = ConfigParser()
    parser.read_config(next(name for name in names if os.path.exists(name)))
    parser["bundle_root"] = "."
    return {
        "network_def": arguments(parser, "network_def"),
        "inferer": arguments(parser, "inferer"),
        "preprocessing": chain(parser, "preprocessing"),
        "postprocessing": chain(parser, "postprocessing"),
        "load_path": parser.get_parsed_content(loader(parser.config) + "::load_path"),
    }


def form(config, id):
    """A small config and what MONAI makes of it; components that are disabled are left out of lists."""
    parser = ConfigParser(copy.deepcopy(config))
    value = parser.get_parsed_content(id, instantiate=False)
    if isinstance(value, list):
        value = [one for one in value if not (isinstance(one, ConfigComponent) and one.is_disabled())]
    return {"config": config, "id": id, "value": plain(value)}


def defaults(name):
    """The arguments of a class that have a plain default."""
    parameters = inspect.signature(getattr(monai.transforms, name).__init__).parameters
    given = {key: plain(one.default) for key, one in parameters.items() if one.default is not inspect.Parameter.empty}
    return {key: value for key, value in given.items() if not callable(value)}


def main():
    root = sys.argv[1]
    bundles = sorted(name for name in os.listdir(root) if os.path.isdir(f"{root}/{name}/configs"))
    result = {
        "monai": monai.__version__,
        "bundles": {name: read(f"{root}/{name}") for name in bundles if name != "vista3d"},
        "forms": [form(config, id) for config, id in FORMS],
        "defaults": {name: defaults(name) for name in CLASSES},
    }
    json.dump(result, sys.stdout, sort_keys=True, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
