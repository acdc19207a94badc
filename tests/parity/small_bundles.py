"""Small made-up bundles with the forms that MONAI's zoo has, and MONAI's own answers; writes
crates/inferers/tests/data/bundles.json, and search_code.pt there: the codes of an architecture as DiNTS' search saves them.

    pip install torch monai nibabel scikit-image pytorch-ignite
    python tests/parity/small_bundles.py

Images and weights follow from formulas that `crates/inferers/tests/bundles.rs` repeats; the last layer's bias is shifted so
that all classes occur, and stored. Labels are stored as runs, x fastest; of the probabilities just before they become labels
every 41st value; exclusive ones are divided by their sum, and are the background's where MONAI's are all 0.
"""
import glob, importlib.metadata, json, math, pathlib, sys, tempfile, warnings
warnings.filterwarnings("ignore")
import numpy as np, nibabel as nib, torch
from monai.bundle import ConfigParser
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from bundles import KEPT, Keep, rotation
from searched import architecture

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEP = 41


def image(size, channel, dark):
    x, y, z = np.meshgrid(*[np.arange(n) for n in size], indexing="ij")
    v = 300 * np.sin(0.31 * x + 0.7 * channel) + 250 * np.cos(0.27 * y + 0.013 * x * z) + 200 * np.sin(0.41 * z + 0.05 * x * y)
    v = np.round(v + 800)
    if dark:
        inside = (x >= 3) & (x < size[0] - 4) & (y >= 2) & (y < size[1] - 1) & (z >= 1) & (z < size[2] - 2)
        v = np.where(inside, v, 0)
    return v.astype(np.int16)


def affine(spacing, turn, flips, order):
    linear = (rotation(2, turn[0]) @ rotation(0, turn[1]) @ np.diag(flips) @ np.diag(spacing))[:, list(order)]
    out = np.eye(4)
    out[:3, :3] = linear
    out[:3, 3] = [71.3, 33.1, -120.7]
    # As a file holds it.
    return out.astype(np.float32).astype(float)


def weights(net):
    """Parameter `k` of the sorted names: sines over the square root of the inputs of an output, small sines for biases; slopes
    of activations stay."""
    state = net.state_dict()
    for k, name in enumerate(sorted(state)):
        value = state[name]
        i = np.arange(value.numel())
        if value.ndim < 2:
            if name.endswith("bias"):
                state[name] = torch.as_tensor((0.1 * np.sin(0.5 * i + 0.9 * k)).astype(np.float32))
            continue
        fan = value[0].numel()
        new = 1.4 * np.sin(1.7 * i + 0.9 * k + 0.2 + 0.003 * i * i) / math.sqrt(fan)
        state[name] = torch.as_tensor(new.reshape(value.shape).astype(np.float32))
    net.load_state_dict(state)


def unet(inputs, outputs, dims=3):
    return {"_target_": "UNet", "spatial_dims": dims, "in_channels": inputs, "out_channels": outputs, "channels": [4, 8, 8], "strides": [2, 2], "num_res_units": 1}


def load(keys="image"):
    return [{"_target_": "LoadImaged", "keys": keys}, {"_target_": "EnsureChannelFirstd", "keys": keys}]


def sliding(size=(16, 16, 16), **more):
    return {"_target_": "SlidingWindowInferer", "roi_size": list(size), "sw_batch_size": 2, "overlap": 0.5, **more}


def compose(*steps):
    return {"_target_": "Compose", "transforms": [s for step in steps for s in (step if isinstance(step, list) else [step])]}


def t(name, **arguments):
    return {"_target_": f"{name}d", "keys": arguments.pop("keys", "image"), **arguments}


def post(name, **arguments):
    return t(name, keys="pred", **arguments)


SAVE = post("SaveImage", output_dir="@output_dir", separate_folder=False)


def invert(**more):
    return post("Invert", transform="@preprocessing", orig_keys=more.pop("orig_keys", "image"), nearest_interp=more.pop("nearest_interp", False), **more)


def bundle(network, before, inferer, after, **more):
    return {
        "imports": ["$import torch", "$import numpy as np"],
        "bundle_root": ".", "output_dir": "$@bundle_root + '/eval'", "device": "$torch.device('cpu')",
        "network_def": network, "network": "$@network_def.to(@device)", "preprocessing": before,
        "dataset": {"_target_": "Dataset", "data": [], "transform": "@preprocessing"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "shuffle": False, "num_workers": 0},
        "inferer": inferer, "postprocessing": after,
        "handlers": [{"_target_": "CheckpointLoader", "load_path": "$@bundle_root + '/models/model.pt'", "load_dict": {"model": "@network"}}],
        "evaluator": {"_target_": "SupervisedEvaluator", "device": "@device", "val_data_loader": "@dataloader", "network": "@network",
                      "inferer": "@inferer", "postprocessing": "@postprocessing", "val_handlers": "@handlers"},
        **more,
    }


SOFTMAX, ARGMAX = post("Activations", softmax=True), post("AsDiscrete", argmax=True)
GRID = dict(size=[22, 19, 13], spacing=[1.3, 1.1, 2.4], turn=[12, 7], flips=[-1, -1, 1], order=[0, 1, 2], dark=False)
TURNED = dict(size=[13, 22, 19], spacing=[1.3, 1.1, 2.4], turn=[-21, 13], flips=[1, -1, -1], order=[2, 0, 1], dark=False)
DARK = dict(GRID, size=[24, 21, 15], dark=True)
CASES = {
    "softmax_back_argmax": dict(grid=GRID, config=bundle(
        unet(1, 3), compose(load(), t("Orientation", axcodes="RAS"), t("Spacing", pixdim=[1.5, 1.5, 2.0], mode="bilinear"),
                            t("ScaleIntensityRange", a_min=300, a_max=1300, b_min=0, b_max=1, clip=True)),
        sliding(), compose(SOFTMAX, invert(), ARGMAX, SAVE))),
    "argmax_back_nearest": dict(grid=TURNED, yaml=True, config=bundle(
        unet(1, "@classes"), compose(load(), t("Orientation", axcodes="RAS"), t("Spacing", pixdim="@pixdim", mode="bilinear"),
                            t("NormalizeIntensity", nonzero=True), t("ScaleIntensity", minv=-1.0, maxv=1.0)),
        sliding((24, 16, 16), overlap="$@settings#overlap", mode="gaussian", padding_mode="replicate", sigma_scale=[0.125, 0.2, 0.3]),
        compose(SOFTMAX, ARGMAX, invert(nearest_interp=True), SAVE),
        classes=4, settings={"fine": True, "overlap": 0.25},
        pixdim="$[1.7, 1.7, 1.7] if @settings#fine else [3.0, 3.0, 3.0]")),
    "regions_painted": dict(grid=GRID, channels=2, config=bundle(
        unet(2, 3), compose(t("LoadImage"), t("NormalizeIntensity", nonzero=True, channel_wise=True), t("EnsureType")),
        sliding((16, 16, 16)),
        compose(post("Activations", sigmoid=True), invert(), post("AsDiscrete", threshold=0.5),
                post("Lambda", func="$lambda x: torch.where(x[[2]] > 0, 4, torch.where(x[[0]] > 0, 1, torch.where(x[[1]] > 0, 2, 0)))"), SAVE))),
    "three_inputs_logits_back": dict(grid=GRID, channels=3, keys=["first", "second", "third"], config=bundle(
        unet(3, 4), compose(load(["first", "second", "third"]), t("Orientation", keys=["first", "second", "third"], axcodes="LPS"),
                            t("Spacing", keys=["first", "second", "third"], pixdim=[1.2, 1.2, 1.2], mode=["bilinear"] * 3),
                            {"_target_": "ConcatItemsd", "keys": ["first", "second", "third"], "name": "image"},
                            t("ScaleIntensityRange", a_min=0, a_max=1600, b_min=0, b_max=1)),
        sliding((16, 16, 16), overlap=0.25),
        compose(invert(orig_keys="first"), post("Activations", sigmoid=True), post("AsDiscrete", threshold=0.4),
                post("Lambda", func="$lambda x: torch.where(x[[1]] > 0, 1, torch.where(x[[2]] > 0, 2, torch.where(x[[3]] > 0, 3, 0)))"), SAVE))),
    "cropped_and_padded": dict(grid=DARK, config=bundle(
        unet(1, 3), compose(load(), t("Orientation", axcodes="RAS"), t("Spacing", pixdim=[1.5, 1.5, 2.0], mode="bilinear"),
                            t("ScaleIntensityRange", a_min=300, a_max=1300, b_min=0, b_max=1, clip=True),
                            t("CropForeground", source_key="image", margin=[1, 2, 4], k_divisible=4),
                            t("SpatialPad", spatial_size=[24, 20, 16], mode="reflect")),
        sliding((16, 12, 16), overlap=[0.25, 0.5, 0.0]), compose(SOFTMAX, invert(), ARGMAX, SAVE))),
    "cropped_within": dict(grid=DARK, config=bundle(
        unet(1, 3), compose(load(), t("Spacing", pixdim=[1.6, 1.6, 1.9], mode="bilinear"), t("ScaleIntensityRange", a_min=300, a_max=1300, b_min=0, b_max=1, clip=True),
                            t("CropForeground", source_key="image", allow_smaller=True)),
        sliding((12, 12, 12), overlap=0.5), compose(SOFTMAX, invert(), ARGMAX, post("KeepLargestConnectedComponent", applied_labels=[1, 2]), SAVE))),
    "pieces_on_the_network_grid": dict(grid=TURNED, config=bundle(
        unet(1, 3), compose(load(), t("Orientation", axcodes="RAS"), t("Spacing", pixdim=[1.4, 1.4, 1.4], mode="bilinear"), t("ScaleIntensity"), t("NormalizeIntensity")),
        sliding(), compose(ARGMAX, post("KeepLargestConnectedComponent", applied_labels=[1, 2], num_components=2, connectivity=1),
                           post("FillHoles", applied_labels=[1]), invert(nearest_interp=True), SAVE))),
    "small_pieces_removed": dict(grid=GRID, config=bundle(
        unet(1, 2), compose(load(), t("Orientation", axcodes="RAS"), t("Spacing", pixdim=[1.5, 1.5, 2.0], mode="bilinear"), t("ScaleIntensity")),
        sliding(), compose(SOFTMAX, invert(), ARGMAX, post("RemoveSmallObjects", min_size=20), SAVE))),
    "slices": dict(grid=dict(GRID, size=[30, 26, 4]), config=bundle(
        unet(1, 3, dims=2), compose(load(), t("ScaleIntensity"), t("EnsureType")),
        {"_target_": "SliceInferer", "roi_size": [32, 32], "spatial_dim": 2},
        compose(SOFTMAX, invert(), ARGMAX, SAVE))),
    "resized_by_areas": dict(grid=GRID, config=bundle(
        unet(1, 2), compose(load(), t("Orientation", axcodes="RAS"), t("ScaleIntensityRange", a_min=300, a_max=1300, b_min=0, b_max=1, clip=True),
                            t("Resize", spatial_size=[16, 24, 16], mode="area")),
        {"_target_": "SimpleInferer"}, compose(SOFTMAX, invert(), ARGMAX, SAVE))),
    "along_the_world": dict(grid=TURNED, config=bundle(
        unet(1, 3), compose(load(), t("Spacing", pixdim=[1.8, 1.8, 2.0], mode="bilinear", diagonal=True, padding_mode="zeros"),
                            t("ScaleIntensityRange", a_min=300, a_max=1300, b_min=-1, b_max=1), t("Orientation", axcodes="PLI")),
        sliding((16, 16, 16), mode="gaussian", padding_mode="constant", cval=-1.0), compose(SOFTMAX, invert(), ARGMAX, SAVE))),
    "stays_on_its_grid": dict(grid=dict(GRID, size=[24, 20, 12]), config=bundle(
        unet(1, 3), compose(load(), t("ScaleIntensity")), {"_target_": "SimpleInferer"}, compose(SOFTMAX, ARGMAX, SAVE))),
}


def runs(labels):
    flat = labels.flatten(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    starts = np.concatenate([[0], edges, [flat.size]])
    return [[int(flat[a]), int(b - a)] for a, b in zip(starts, starts[1:])]


def run(name, case, folder):
    bundle = folder / name
    (bundle / "configs").mkdir(parents=True)
    (bundle / "models").mkdir()
    grid, channels, config = case["grid"], case.get("channels", 1), case["config"]
    matrix = affine(grid["spacing"], grid["turn"], grid["flips"], grid["order"])
    paths = []
    for c in range(channels):
        path = bundle / f"image_{c:04d}.nii.gz"
        file = nib.Nifti1Image(image(grid["size"], c, grid["dark"]), matrix)
        file.set_sform(matrix, 1)
        file.set_qform(None, 0)
        nib.save(file, path)
        paths.append(str(path))
    keys = case.get("keys", ["image"])
    data = {k: p for k, p in zip(keys, paths)} if len(keys) > 1 else {"image": paths if channels > 1 else paths[0]}
    parser = ConfigParser(json.loads(json.dumps(config)))
    parser["bundle_root"] = str(bundle)
    net = parser.get_parsed_content("network_def").eval()
    weights(net)
    x = parser.get_parsed_content("preprocessing")(data)["image"].as_tensor()[None].float()
    if config["inferer"]["_target_"] == "SliceInferer":
        x = x[..., 1]
    to = [int(np.ceil(n / 4) * 4) for n in x.shape[2:]]
    x = torch.nn.functional.pad(x, [v for k in reversed(range(len(to))) for v in (0, to[k] - x.shape[2 + k])])
    last = [k for k, _ in net.named_parameters() if k.endswith("bias")][-1]
    with torch.no_grad():
        bias = net.get_parameter(last)
        y = net(x).flatten(2)[0]
        bias.sub_(y.mean(1) if "argmax" in json.dumps(config["postprocessing"]) else y.quantile(0.6, dim=1))
    torch.save(net.state_dict(), bundle / "models/model.pt")
    # As bundles.py does, with the probabilities kept before the decision.
    chain = parser["postprocessing"]["transforms"]
    first = next(i for i, s in enumerate(chain) if s["_target_"] == "AsDiscreted")
    chain.insert(first, Keep(keys="pred"))
    parser["dataset::data"] = [data]
    parser["output_dir"] = str(bundle / "eval")
    KEPT.clear()
    parser.get_parsed_content("evaluator").run()
    found = nib.load(glob.glob(f"{bundle}/eval/*.nii.gz")[0])
    labels = np.asarray(found.dataobj)
    labels = labels.reshape(labels.shape + (1,) * (3 - labels.ndim)).astype(int)
    assert list(labels.shape) == grid["size"] and np.abs(found.affine - matrix).max() < 1e-4, name
    counts = {int(v): int((labels == v).sum()) for v in np.unique(labels)}
    is_back = KEPT["pred"].shape[1:] == tuple(grid["size"])
    kept = KEPT["pred"]
    if '"softmax": true' in json.dumps(config):
        total = kept.sum(0, keepdims=True)
        kept = np.where(total > 0, kept / np.where(total > 0, total, 1), np.eye(len(kept))[:, :1, None, None])
    values = np.concatenate([c.flatten(order="F") for c in kept])[::STEP] if is_back else []
    print(name, counts, "probabilities" if is_back else "labels alone", flush=True)
    return dict(
        name=name, config=config, yaml=case.get("yaml", False), grid=dict(size=grid["size"], affine=matrix.tolist(), dark=grid["dark"]),
        channels=channels, bias=dict(name=last, values=[float(v) for v in bias.detach()]), labels=runs(labels),
        probabilities=[round(float(v), 6) for v in values],
    )


def write_search_code():
    links, operations, nodes = architecture(1, 3, 3, 5)
    codes = {"arch_code_a": np.array(links), "arch_code_c": np.array(operations), "node_a": np.array(nodes, dtype=float), "iter_num": 1}
    torch.save(codes, ROOT / "crates/inferers/tests/data/search_code.pt")


if __name__ == "__main__":
    write_search_code()
    versions = {name: importlib.metadata.version(name) for name in ("monai", "torch", "nibabel")}
    with tempfile.TemporaryDirectory() as folder:
        cases = [run(name, case, pathlib.Path(folder)) for name, case in CASES.items()]
    out = dict(script="tests/parity/small_bundles.py", versions=versions, step=STEP, cases=cases)
    path = ROOT / "crates/inferers/tests/data/bundles.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size, versions)
