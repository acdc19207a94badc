"""MONAI's bundles by MONAI's own evaluator and by ours, with random weights, voxel by voxel.

    pip install torch monai nibabel scikit-image pytorch-ignite einops itk
    cargo build --release -p vesalius-inferers --example segment
    python tests/parity/bundles.py WORK [--monai] [NAME ...]

Every bundle of `../shared/data/bundles` gets seeded random weights, whose last bias is shifted so that all classes occur, and
images whose grids are oblique and not the network's. MONAI's SaveImage writes the labels; where the chain takes probabilities
or logits back, the probabilities just before they become labels are compared too. WORK/result.json holds what was found.
MONAI's answers stay in WORK and are not made again; `--monai` makes those alone.

Environment: ZOO (the bundles), SCRIPTS (a checkout's `models`, for the bundles with Python of their own), SEGMENT (the binary of
the example `segment`).
"""
import glob, importlib.metadata, inspect, json, os, pathlib, shutil, subprocess, sys, time, traceback, warnings
os.environ.setdefault("OMP_NUM_THREADS", "2")
warnings.filterwarnings("ignore")
import monai.networks.nets, numpy as np, nibabel as nib, torch
torch.set_num_threads(2)
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from searched import architecture
from monai.bundle import ConfigParser
from monai.transforms import Invertd, MapTransform

ROOT = pathlib.Path(__file__).resolve().parents[2]
ZOO = pathlib.Path(os.environ.get("ZOO", ROOT.parent / "shared/data/bundles"))
SEGMENT = os.environ.get("SEGMENT", ROOT / "target/release/examples/segment")
KEPT = {}


class Keep(MapTransform):
    """Remembers `pred` at a place of the chain: as probabilities where nothing has made them so, and on the image's grid where a
    later `Invertd` is given."""

    def __call__(self, data):
        found = dict(data)
        if KEPT.get("softmax"):
            found["pred"] = torch.softmax(found["pred"], 0)
        if KEPT.get("invert"):
            found["pred"] = found["pred"].clone()
            found = KEPT["invert"](found)
        KEPT["pred"] = np.asarray(found["pred"]).copy()
        return dict(data)


def rotation(axis, degrees):
    a = np.deg2rad(degrees)
    m = np.eye(3)
    i, j = [k for k in range(3) if k != axis]
    m[i, i] = m[j, j] = np.cos(a)
    m[i, j], m[j, i] = -np.sin(a), np.sin(a)
    return m


def smooth(rng, shape, n):
    from scipy.ndimage import gaussian_filter
    x = gaussian_filter(rng.standard_normal(shape), n)
    return x / x.std()


def write_image(path, shape, spacing, kind, seed, turn=(12, 7), flips=(-1, -1, 1), order=(0, 1, 2)):
    rng = np.random.default_rng(seed)
    d = rotation(2, turn[0]) @ rotation(0, turn[1]) @ np.diag(flips)
    affine = np.eye(4)
    affine[:3, :3] = (d @ np.diag(spacing))[:, list(order)]
    affine[:3, 3] = [71.3, 33.1, -120.7]
    shape = [shape[k] for k in order]
    g = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))
    r = np.sqrt((g ** 2).sum(0))
    f = smooth(rng, shape, 2.5)
    if kind == "ct":
        v = np.where(r < 0.95, 40 + 60 * f + 15 * rng.standard_normal(shape), -1000 + 5 * rng.standard_normal(shape))
        v = np.clip(v, -1024, 1500)
    else:
        v = np.clip(np.where(r < 0.9, 400 + 150 * f + 20 * rng.standard_normal(shape), 0), 0, None)
    nib.save(nib.Nifti1Image(np.round(v).astype(np.int16), affine), path)


# Name -> image (size, spacing, kind, channels), overrides for both programs, for MONAI's alone, the weights' file, the channels
# that are regions in the order in which they paint, how many voxels the next image has more along an axis, and whether MONAI's
# network computes in double precision: PyTorch's instance normalisation of images with much padding is 1e-3 from that in single
# precision.
SMALL = {"inferer::roi_size": [64, 64, 64], "inferer::sw_batch_size": 1}
# On the processor, and with the arrays of NumPy that PyTorch reads no longer by itself.
SEARCHED = {"dints_space::device": "$torch.device('cpu')", "arch_ckpt": "$torch.load(@arch_ckpt_path, map_location=torch.device('cpu'), weights_only=False)"}
BUNDLES = {
    "spleen_ct_segmentation": dict(image=((44, 40, 26), (1.4, 1.4, 2.5), "ct", 1)),
    "wholeBody_ct_segmentation": dict(image=((36, 34, 22), (1.4, 1.4, 2.5), "ct", 1), over={"inferer::roi_size": [64, 64, 64]}),
    "brats_mri_segmentation": dict(image=((40, 44, 32), (1, 1, 1), "mr", 4), over={"inferer::roi_size": [64, 64, 32]}, theirs={"test_datalist": []}, painted=[1, 0, 2]),
    "swin_unetr_btcv_segmentation": dict(image=((36, 34, 22), (1.4, 1.4, 2.5), "ct", 1), over=SMALL),
    "prostate_mri_anatomy": dict(image=((40, 38, 12), (0.6, 0.6, 2.0), "mr", 1), over={"postprocessing::transforms::2::nearest_interp": True}, theirs={"datalist": []}),
    "renalStructures_CECT_segmentation": dict(image=((36, 34, 30), (1.0, 1.0, 1.2), "ct", 3), theirs={"images": [], "labels": []}, painted=[5, 4, 3, 2, 1]),
    "renalStructures_UNEST_segmentation": dict(image=((36, 34, 22), (1.4, 1.4, 2.5), "ct", 1)),
    "ventricular_short_axis_3label": dict(image=((60, 70, 6), (1.4, 1.4, 8.0), "mr", 1), is_double=True),
    "spleen_deepedit_annotation": dict(image=((44, 40, 26), (1.4, 1.4, 2.5), "ct", 1)),
    "multi_organ_segmentation": dict(image=((40, 36, 30), (1.2, 1.2, 1.5), "ct", 1), over=SMALL, theirs=SEARCHED, searched=1),
    "pancreas_ct_dints_segmentation": dict(image=((40, 36, 30), (1.2, 1.2, 1.5), "ct", 1), over=SMALL, theirs=SEARCHED, searched=2),
    "pediatric_abdominal_ct_segmentation": dict(image=((44, 40, 26), (1.4, 1.4, 2.5), "ct", 1), weights="dynunet_FT.pt"),
    "segmentation_template": dict(image=((48, 40, 32), (1.4, 1.4, 2.5), "ct", 1), more=8),
    "wholeBrainSeg_Large_UNEST_segmentation": dict(image=((40, 40, 40), (1, 1, 1), "mr", 1)),
    "vista3d": dict(image=((36, 34, 22), (1.4, 1.4, 2.5), "ct", 1)),
}


def parser_of(bundle, spec):
    parser = ConfigParser()
    config = next(p for p in (bundle / "configs/inference.json", bundle / "configs/inference.yaml") if p.exists())
    parser.read_config(str(config))
    parser["bundle_root"] = str(bundle)
    parser["device"] = "$torch.device('cpu')"
    for key, value in {**spec.get("over", {}), **spec.get("theirs", {})}.items():
        parser[key] = value
    # Arguments that the class no longer has in MONAI 1.6.
    network = parser.get("network_def")
    target = getattr(monai.networks.nets, network["_target_"].split(".")[-1], None) if isinstance(network, dict) else None
    for name in ("img_size", "norm_name"):
        if target and name not in inspect.signature(target).parameters:
            network.pop(name, None)
    # The package `itk` reads the same arrays.
    for key in ("preprocessing", "preprocessing_transforms"):
        value = parser.get(key)
        for transform in value.get("transforms", []) if isinstance(value, dict) else value or []:
            if isinstance(transform, dict):
                transform.pop("reader", None)
    return parser


def balanced(net, x, channels):
    """The last bias shifted so that all classes occur."""
    biases = [p for k, p in net.named_parameters() if k.endswith("bias") and tuple(p.shape) == (channels,)]
    with torch.no_grad():
        if biases:
            biases[-1].sub_(net(x).float().mean(dim=[0] + list(range(2, x.ndim))))


def case_data(name, paths):
    if name.startswith("renalStructures_CECT"):
        # Of another name, so that the chain does not write it over the result.
        label = paths[0].replace("_0000.nii.gz", "_label.nii.gz")
        shutil.copyfile(paths[0], label)
        return {"artery": paths[0], "vein": paths[1], "excret": paths[2], "label": label}
    return {"image": paths[0] if len(paths) == 1 else list(paths)}


def weights_of(name, spec, bundle, paths):
    (bundle / "models").mkdir(exist_ok=True)
    if spec.get("searched"):
        # An architecture that no search found.
        links, operations, nodes = architecture(spec["searched"], 12, 4, 5)
        codes = {"arch_code_a": np.array(links), "arch_code_c": np.array(operations), "node_a": np.array(nodes), "iter_num": 1}
        torch.save(codes, bundle / "models/search_code_18590.pt")
    parser = parser_of(bundle, spec)
    torch.manual_seed(1)
    net = parser.get_parsed_content("network_def").eval()
    channels = parser.get_parsed_content("network_def::num_classes" if spec.get("searched") else "network_def::out_channels")
    x = parser.get_parsed_content("preprocessing")(case_data(name, paths))["image"].as_tensor()[None].float()
    if name.startswith("ventricular"):
        x = torch.nn.functional.pad(x[..., 3], [0, 256 - x.shape[3], 0, 256 - x.shape[2]])
    else:
        roi = parser.get("inferer", {}).get("roi_size")
        to = roi if isinstance(roi, list) else [max(int(np.ceil(n / 32) * 32), 32) for n in x.shape[2:]]
        x = x[..., :to[0], :to[1], :to[2]]
        x = torch.nn.functional.pad(x, [v for k in (2, 1, 0) for v in (0, max(to[k] - x.shape[2 + k], 0))])
    balanced(net, x, channels)
    torch.save(net.state_dict(), bundle / "models" / spec.get("weights", "model.pt"))


def decides(transform):
    target = transform.get("_target_", "") if isinstance(transform, dict) else ""
    return target in ("AsDiscreted", "monai.transforms.AsDiscreted")


def run_monai(name, spec, bundle, paths, out):
    parser = parser_of(bundle, spec)
    post = parser["postprocessing"]
    chain = post["transforms"] if isinstance(post, dict) else post
    first = next(i for i, t in enumerate(chain) if decides(t))
    has = lambda steps, target: [t for t in steps if isinstance(t, dict) and t.get("_target_") == target]
    activated = has(chain[:first], "Activationsd")
    # Where labels are taken back, the probabilities are as well, by the same step.
    later = [t for t in has(chain[first + 1:], "Invertd") if t.get("nearest_interp", True)]
    chain.insert(first, Keep("pred"))
    parser["dataset_dir"] = str(pathlib.Path(paths[0]).parent)
    parser["dataset::data"] = [case_data(name, paths)]
    parser["dataloader::num_workers"] = 0
    parser["evaluator::amp"] = False
    parser["output_dir"] = str(out)
    KEPT.clear()
    evaluator = parser.get_parsed_content("evaluator")
    if spec.get("is_double"):
        evaluator.network.double()
        evaluator.network.register_forward_pre_hook(lambda _, inputs: tuple(x.double() for x in inputs))
        evaluator.network.register_forward_hook(lambda _, inputs, output: output.float())
    KEPT["softmax"] = not activated
    if later:
        before = parser.get_parsed_content("preprocessing")
        KEPT["invert"] = Invertd(keys="pred", transform=before, orig_keys="image", nearest_interp=True)
    # Some bundles load their weights here, others by a handler.
    if parser.get("initialize") is not None:
        parser.get_parsed_content("initialize")
    evaluator.run()
    loaded = evaluator.network.state_dict()
    for key, value in torch.load(bundle / "models" / spec.get("weights", "model.pt")).items():
        assert torch.equal(loaded[key].to(value.dtype), value), f"{key} was not loaded"
    files = [f for f in sorted(glob.glob(f"{out}/**/*.nii.gz", recursive=True)) if "label" not in os.path.basename(f)]
    return files[0]


def compare(theirs, ours, logits):
    a, b = nib.load(theirs), nib.load(ours)
    x, y = np.squeeze(np.asarray(a.dataobj)), np.squeeze(np.asarray(b.dataobj))
    found = {"size": [list(x.shape), list(y.shape)], "affine": float(np.abs(a.affine - b.affine).max())}
    if x.shape != y.shape:
        return found
    found["equal"] = float((x == y).mean())
    found["differ"] = int((x != y).sum())
    values = [v for v in sorted(set(np.unique(x)) | set(np.unique(y))) if v != 0]
    dice = {int(v): float(2 * ((x == v) & (y == v)).sum() / max((x == v).sum() + (y == v).sum(), 1)) for v in values}
    found["labels"] = len(values)
    found["worst dice"] = min(dice.values()) if dice else None
    if found["differ"] and logits is not None and logits.shape[0] > 1:
        # How far the two largest values of MONAI's are apart where labels differ.
        top = np.sort(logits, 0)
        gap = np.squeeze(top[-1] - top[-2])
        if gap.shape == x.shape:
            found["largest gap where they differ"] = float(gap[x != y].max())
    return found


def probabilities(path, kept, painted):
    ours = np.asarray(nib.load(path).dataobj)
    ours = ours[..., None] if ours.ndim == 3 else ours
    ours = np.moveaxis(ours, -1, 0)
    if painted:
        kept = kept[painted]
    total = kept.sum(0, keepdims=True)
    if not painted and len(kept) > 1 and np.all((total < 1e-4) | (np.abs(total - 1) < 1e-3) | (total < 1)) and np.median(total[total > 0]) > 0.999:
        # Exclusive classes: what MONAI's crop leaves of them is divided by its sum, nothing is the background's.
        kept = np.where(total > 0, kept / np.where(total > 0, total, 1), np.eye(len(kept))[:, :1, None, None])
    if ours.shape != kept.shape:
        return {"probabilities": f"{ours.shape} and {kept.shape}"}
    return {"probabilities": float(np.abs(ours - kept).max())}


VARIANTS = [dict(), dict(turn=(-31, 18), flips=(1, -1, -1), order=(2, 0, 1)), dict(turn=(3, -4), flips=(1, 1, 1), order=(1, 0, 2))]


def run(name, work, only_monai):
    spec, out = BUNDLES[name], {"bundle": name}
    folder = work / name
    bundle = folder / "bundle"
    if not bundle.exists():
        shutil.copytree(ZOO / name, bundle)
        for path in [bundle, *bundle.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    scripts = pathlib.Path(os.environ.get("SCRIPTS", "/none")) / name / "scripts"
    if scripts.exists() and not (bundle / "scripts").exists():
        shutil.copytree(scripts, bundle / "scripts")
    sys.path.insert(0, str(bundle))
    for module in [m for m in sys.modules if m == "scripts" or m.startswith("scripts.")]:
        del sys.modules[module]
    shape, spacing, kind, channels = spec["image"]
    out["cases"] = []
    try:
        for number, variant in enumerate(VARIANTS):
            paths = []
            for channel in range(channels):
                path = folder / f"case{number}_{channel:04d}.nii.gz"
                # Another size, so that none divides, where MONAI's network takes that.
                size = [n + spec.get("more", 3) * number if n > 8 else n for n in shape]
                if not path.exists():
                    write_image(path, size, spacing, kind, 10 * number + channel, **variant)
                paths.append(str(path))
            if number == 0 and not (bundle / "models").exists():
                weights_of(name, spec, bundle, paths)
            done = folder / f"monai{number}.json"
            if not done.exists():
                begin = time.time()
                theirs = run_monai(name, spec, bundle, paths, folder / f"monai{number}")
                np.save(folder / f"kept{number}.npy", KEPT["pred"])
                done.write_text(json.dumps({"file": theirs, "s": time.time() - begin}))
            made = json.loads(done.read_text())
            theirs, monai, kept = made["file"], made["s"], np.load(folder / f"kept{number}.npy")
            if only_monai:
                print(name, number, f"{monai:.0f} s", flush=True)
                continue
            ours, values = folder / f"ours{number}.nii.gz", folder / f"probabilities{number}.nii.gz"
            settings = [v for k, x in spec.get("over", {}).items() for v in ("--set", f"{k}={json.dumps(x)}")]
            begin = time.time()
            done = subprocess.run([SEGMENT, bundle, ours, *paths, *settings, "--probabilities", values], capture_output=True, text=True)
            case = {"monai s": round(monai, 1), "ours s": round(time.time() - begin, 1)}
            if done.returncode:
                case["refused"] = done.stderr.strip()[-600:]
            else:
                case |= compare(theirs, ours, kept)
                case |= probabilities(values, kept, spec.get("painted"))
                if number == 0:
                    out["told"] = done.stderr.strip().splitlines()
            out["cases"].append(case)
            print(name, json.dumps(case), flush=True)
    except Exception as error:
        traceback.print_exc()
        out["failed"] = f"{type(error).__name__}: {str(error)[:400]}"
    finally:
        sys.path.remove(str(bundle))
    return out


if __name__ == "__main__":
    work = pathlib.Path(sys.argv[1])
    only_monai = "--monai" in sys.argv
    names = [name for name in sys.argv[2:] if name != "--monai"] or list(BUNDLES)
    path = work / "result.json"
    work.mkdir(parents=True, exist_ok=True)
    found = json.loads(path.read_text()) if path.exists() else {}
    found["versions"] = {n: importlib.metadata.version(n) for n in ("monai", "torch", "nibabel")}
    for name in names:
        found[name] = run(name, work, only_monai)
        path.write_text(json.dumps(found, indent=1, default=str) + "\n")
