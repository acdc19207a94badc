"""What nnU-Net v2 answers with small made model folders, one for each way in which folders vary.

    python nnunet_folders.py OUTDIR          # writes what crates/inferers/tests/data/nnunet holds
    python nnunet_folders.py OUTDIR --large MODEL      # the five folds of MODEL (models/base) on 10⁶ voxels
    python nnunet_folders.py OUTDIR --compare LABELS   # those labels beside others: which differ, and how many are ties

nnunetv2 2.8.1, batchgenerators 0.25.5, PyTorch 2.15 (CPU, one thread), scikit-image and SimpleITK as it wants them.
Weights are random, seeded, and few: what is compared is everything around the network. A folder's plans, dataset.json
and checkpoints go to OUTDIR/models/NAME, images to OUTDIR/images, labels to OUTDIR/answers/NAME.nii.gz (or in the
folder's own format). OUTDIR/answers/NAME.ties.npy marks voxels whose two largest 16-bit logits are at most one unit in
the last place apart (for regions: within one unit of zero): there the order of additions decides. OUTDIR/answers/
NAME.npz holds 16-bit probabilities, in files of their own for few of the folders, as they are large.
"""
import collections, json, os, pathlib, pickle, shutil, sys, tempfile
for k in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"): os.environ.setdefault(k, tempfile.mkdtemp())
import numpy as np, torch, SimpleITK as sitk
from scipy.ndimage import gaussian_filter
torch.set_num_threads(1)
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from nnunetv2.utilities.label_handling.label_handling import determine_num_input_channels
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

DEFAULT = "resample_data_or_seg_to_shape"
TORCH = "resample_torch_fornnunet"


def plans_of(dims=3, channels=1, patch=None, spacing=None, features=(3, 6), norm="ZScoreNormalization", mask=False,
             reader="SimpleITKIO", transpose=(0, 1, 2), name=None):
    patch = patch or ([12, 16, 16] if dims == 3 else [16, 16])
    spacing = spacing or ([2.0, 1.3, 1.3] if dims == 3 else [1.3, 1.3])
    kwargs = dict(
        n_stages=len(features), features_per_stage=list(features), conv_op=f"torch.nn.modules.conv.Conv{dims}d",
        kernel_sizes=[[3] * dims] * len(features), strides=[[1] * dims] + [[2] * dims] * (len(features) - 1),
        n_conv_per_stage=[1] * len(features), n_conv_per_stage_decoder=[1] * (len(features) - 1), conv_bias=True,
        norm_op=f"torch.nn.modules.instancenorm.InstanceNorm{dims}d", norm_op_kwargs={"eps": 1e-5, "affine": True},
        dropout_op=None, dropout_op_kwargs=None, nonlin="torch.nn.LeakyReLU", nonlin_kwargs={"inplace": True})
    configuration = dict(
        data_identifier="made", preprocessor_name="DefaultPreprocessor", batch_size=2, patch_size=patch,
        median_image_size_in_voxels=[float(p) for p in patch], spacing=spacing, normalization_schemes=[norm] * channels,
        use_mask_for_norm=[mask] * channels, resampling_fn_data=DEFAULT, resampling_fn_seg=DEFAULT,
        resampling_fn_probabilities=DEFAULT,
        resampling_fn_data_kwargs={"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
        resampling_fn_seg_kwargs={"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
        resampling_fn_probabilities_kwargs={"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None},
        architecture=dict(network_class_name="dynamic_network_architectures.architectures.unet.PlainConvUNet",
                          arch_kwargs=kwargs, _kw_requires_import=["conv_op", "norm_op", "dropout_op", "nonlin"]),
        batch_dice=False)
    intensities = dict(max=900.0, mean=100.0, median=90.0, min=-300.0, percentile_00_5=-120.0, percentile_99_5=330.0, std=90.0)
    back = [int(np.argwhere(np.array(transpose) == i)[0][0]) for i in range(3)]
    return dict(
        dataset_name="Dataset900_Made", plans_name="nnUNetPlans", original_median_spacing_after_transp=[2.0, 1.0, 1.0],
        original_median_shape_after_transp=[20, 40, 40], image_reader_writer=reader, transpose_forward=list(transpose),
        transpose_backward=back, configurations={name or ("3d_fullres" if dims == 3 else "2d"): configuration},
        experiment_planner_used="ExperimentPlanner", label_manager="LabelManager",
        foreground_intensity_properties_per_channel={str(i): intensities for i in range(channels)})


def dataset_of(channels=1, labels=None, ending=".nii.gz", order=None):
    labels = labels or {"background": 0, "a": 1, "b": 2}
    dataset = dict(channel_names={str(i): f"c{i}" for i in range(channels)}, labels=labels, numTraining=3, file_ending=ending)
    if order: dataset["regions_class_order"] = order
    return dataset


def network_of(plans, dataset, configuration, seed):
    manager = PlansManager(json.loads(json.dumps(plans)))
    chosen = manager.get_configuration(configuration)
    inputs = determine_num_input_channels(manager, chosen, dataset)
    outputs = manager.get_label_manager(dataset).num_segmentation_heads
    torch.manual_seed(seed)
    network = get_network_from_plans(chosen.network_arch_class_name, chosen.network_arch_init_kwargs,
                                     chosen.network_arch_init_kwargs_req_import, inputs, outputs, allow_init=True,
                                     deep_supervision=True)
    with torch.no_grad():
        for key, value in network.named_parameters():
            if "norm" in key and key.endswith("weight"): value.mul_(1 + 0.3 * torch.randn_like(value))
            if key.endswith("bias"): value.add_(0.1 * torch.randn_like(value))
        for key, value in network.named_buffers():
            if key.endswith("running_mean"): value.add_(0.1 * torch.randn_like(value))
            if key.endswith("running_var"): value.mul_(1 + 0.2 * torch.rand_like(value))
        network.eval()
        network.decoder.deep_supervision = False
        answer = network(torch.randn(1, inputs, *chosen.patch_size))
        middle = answer.mean(dim=[0] + list(range(2, answer.ndim)))
        last = network.decoder.seg_layers[-1]
        last.bias.sub_(middle)
        last.weight.mul_(4)
        last.bias.mul_(4)
    return network


def checkpoint_of(network, plans, dataset, configuration, fold="0", trainer="nnUNetTrainer", mirror=(0, 1, 2), weights=None):
    return dict(
        network_weights=weights if weights is not None else network.state_dict(),
        optimizer_state={"state": {}, "param_groups": [{"lr": 0.01}]}, grad_scaler_state=None,
        logging={"mean_fg_dice": [np.float64(0.5)], "train_losses": [np.float32(-0.3)]}, _best_ema=np.float64(0.51),
        current_epoch=5,
        init_args=dict(plans={}, configuration=configuration, fold=int(fold) if fold != "all" else fold, dataset_json={},
                       device=torch.device("cpu")),
        trainer_name=trainer, inference_allowed_mirroring_axes=mirror)


class Maker:
    def __init__(self, out):
        self.out = pathlib.Path(out)
        for name in ("models", "images", "answers"): (self.out / name).mkdir(parents=True, exist_ok=True)

    def folder(self, name, plans, dataset):
        folder = self.out / "models" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "plans.json").write_text(json.dumps(plans, separators=(",", ":")))
        (folder / "dataset.json").write_text(json.dumps(dataset, separators=(",", ":")))
        return folder

    def save(self, folder, checkpoint, fold="0", name="checkpoint_final.pth"):
        (folder / f"fold_{fold}").mkdir(exist_ok=True)
        torch.save(checkpoint, folder / f"fold_{fold}" / name)

    def image(self, name, size, spacing, seed, dtype=np.uint8, border=True, channels=1):
        """Smooth noise; zero at a border, so that there is something to crop."""
        path = self.out / "images" / name
        random = np.random.default_rng(seed)
        values = gaussian_filter(random.standard_normal(size[::-1]), 2.0)
        values = np.clip(np.round(values / values.std() * 40 + 110), 1, 255)
        if border:
            values[:2] = 0
            values[..., :3] = 0
            values[..., -2:] = 0
        image = sitk.GetImageFromArray(values.astype(dtype))
        image.SetSpacing(spacing)
        image.SetOrigin([11.0, -20.0, 33.0][: len(size)])
        sitk.WriteImage(image, str(path), True)
        return str(path)

    def answer(self, name, folder, files, folds=None, checkpoint="checkpoint_final.pth", mirror=True, probabilities=False,
               previous=None, previous_seg=None):
        predictor = nnUNetPredictor(tile_step_size=0.5, use_gaussian=True, use_mirroring=mirror, perform_everything_on_device=False,
                                    device=torch.device("cpu"), verbose=False, allow_tqdm=False)
        predictor.initialize_from_trained_model_folder(str(folder), folds, checkpoint)
        kept = {}
        labels = type(predictor.plans_manager.get_label_manager(predictor.dataset_json))
        convert = labels.convert_logits_to_segmentation
        def keeping(self, logits):
            kept["logits"] = np.asarray(logits)
            return convert(self, logits)
        labels.convert_logits_to_segmentation = keeping
        target = self.out / "answers" / name
        ending = predictor.dataset_json["file_ending"]
        crop = {}
        import nnunetv2.inference.export_prediction as export
        insert = export.insert_crop_into_image
        def inserting(image, segmentation, bbox):
            crop["bbox"], crop["shape"] = bbox, image.shape
            return insert(image, segmentation, bbox)
        export.insert_crop_into_image = inserting
        out, sys.stdout = sys.stdout, open(os.devnull, "w")
        try: predictor.predict_from_files_sequential([files], [str(target)], save_probabilities=False, overwrite=True,
                                                     folder_with_segs_from_prev_stage=previous_seg)
        finally:
            sys.stdout = out
            labels.convert_logits_to_segmentation, export.insert_crop_into_image = convert, insert
        for extra in ("plans.json", "dataset.json", "predict_from_raw_data_args.json"):
            (target.parent / extra).unlink(missing_ok=True)
        logits = kept["logits"].astype(np.float32)
        if predictor.label_manager.has_regions:
            margin, size = np.abs(logits), np.abs(logits)
            unit = np.float32(2.0) ** -24
            near = (margin <= unit).any(0)
        else:
            two = np.sort(logits, axis=0)[-2:]
            unit = np.spacing(np.abs(two).max(0).astype(np.float16)).astype(np.float32)
            near = (two[1] - two[0]) <= unit
        whole = np.zeros(crop["shape"], bool)
        from acvl_utils.cropping_and_padding.bounding_boxes import insert_crop_into_image
        whole = insert_crop_into_image(whole.astype(np.uint8), near.astype(np.uint8), crop["bbox"]).astype(bool)
        whole = whole.transpose(predictor.plans_manager.transpose_backward)
        np.save(str(target) + ".ties.npy", np.argwhere(whole).astype(np.uint8 if max(whole.shape) < 256 else np.uint16))
        if probabilities:
            sys.stdout = open(os.devnull, "w")
            try: predictor.predict_from_files_sequential([files], [str(target) + "_p"], save_probabilities=True, overwrite=True,
                                                         folder_with_segs_from_prev_stage=previous_seg)
            finally: sys.stdout = out
            values = np.load(str(target) + "_p.npz")["probabilities"].astype(np.float16)
            np.save(str(target) + ".probabilities.npy", values)
            for extra in ("_p.npz", "_p.pkl", "_p" + ending): pathlib.Path(str(target) + extra).unlink(missing_ok=True)
            for extra in ("plans.json", "dataset.json", "predict_from_raw_data_args.json"):
                (target.parent / extra).unlink(missing_ok=True)
        found = sitk.GetArrayFromImage(sitk.ReadImage(str(target) + ending)) if ending not in (".png", ".tif", ".bmp") else None
        if found is not None: print(name, np.bincount(found.ravel()), "ties", int(whole.sum()), flush=True)
        return str(target) + ending


def save(maker, folder, network, plans, dataset, configuration, name="checkpoint_final.pth", fold="0", **more):
    maker.save(folder, checkpoint_of(network, plans, dataset, configuration, fold, **more), fold, name)


def five_folds(maker, thin, thick):
    """The base: one 3-D model of five folds, most of which others borrow."""
    plans, dataset = plans_of(), dataset_of()
    base = maker.folder("base", plans, dataset)
    for fold in "01234":
        network = network_of(plans, dataset, "3d_fullres", 10 + int(fold))
        save(maker, base, network, plans, dataset, "3d_fullres", fold=fold)
    maker.answer("five_folds", base, [thin], probabilities=True)
    maker.answer("folds_3_1", base, [thin], folds=(3, 1))
    for image, name in ((thin, "thin"), (thick, "thick")):
        maker.answer(f"default_{name}", base, [image], folds=(0,))
    return base


def resamplings(maker, base, images):
    """The base's first fold with other ways of resampling."""
    spline = lambda **more: {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None, **more}
    linear = lambda **more: spline(order=1, **more)
    torch_ = lambda **more: {"is_seg": False, **more}
    ways = {
        "torch": (TORCH, torch_(), TORCH, torch_()),
        "torch_apart": (TORCH, torch_(force_separate_z=True), TORCH, torch_(force_separate_z=True)),
        "torch_together": (TORCH, torch_(force_separate_z=False), TORCH, torch_(force_separate_z=False)),
        "torch_modes": (TORCH, torch_(mode="nearest", aniso_axis_mode="linear", force_separate_z=True),
                        TORCH, torch_(mode="nearest-exact", aniso_axis_mode="nearest", force_separate_z=True)),
        "torch_threshold": (TORCH, torch_(separate_z_anisotropy_threshold=1.5), TORCH, torch_(separate_z_anisotropy_threshold=1.5)),
        "spline_apart": (DEFAULT, spline(force_separate_z=True), DEFAULT, linear(force_separate_z=True)),
        "spline_together": (DEFAULT, spline(force_separate_z=False), DEFAULT, linear(force_separate_z=False)),
        "spline_absent": (DEFAULT, {}, DEFAULT, {"order": 1}),
        "across_linear": (DEFAULT, spline(order_z=1), DEFAULT, linear(order_z=1)),
        "across_cubic": (DEFAULT, spline(order_z=3), DEFAULT, linear(order_z=3)),
        "orders_1_0": (DEFAULT, spline(order=1), DEFAULT, spline(order=0)),
        "orders_0_3": (DEFAULT, spline(order=0), DEFAULT, spline()),
        "none": ("no_resampling_hack", {}, "no_resampling_hack", {}),
    }
    plans, dataset = (json.loads((base / f"{name}.json").read_text()) for name in ("plans", "dataset"))
    with tempfile.TemporaryDirectory() as temporary:
        for name, (data, data_kwargs, logits, logits_kwargs) in ways.items():
            changed = json.loads(json.dumps(plans))
            configuration = changed["configurations"]["3d_fullres"]
            configuration.update(resampling_fn_data=data, resampling_fn_data_kwargs=data_kwargs,
                                 resampling_fn_probabilities=logits, resampling_fn_probabilities_kwargs=logits_kwargs)
            if data == TORCH: configuration.update(resampling_fn_seg=TORCH, resampling_fn_seg_kwargs={**data_kwargs, "is_seg": True})
            if data == "no_resampling_hack": configuration.update(resampling_fn_seg=data, resampling_fn_seg_kwargs={})
            folder = pathlib.Path(temporary) / name
            shutil.copytree(base, folder)
            (folder / "plans.json").write_text(json.dumps(changed))
            (maker.out / "models" / f"{name}.json").write_text(json.dumps({k: configuration[k] for k in configuration if k.startswith("resampling")}))
            for image, of in images: maker.answer(f"{name}_{of}", folder, [image], folds=(0,))


def normalizations(maker, base, thin):
    for name, mask in (("CTNormalization", False), ("ZScoreNormalization", True), ("NoNormalization", False),
                       ("RescaleTo01Normalization", False), ("RGBTo01Normalization", False)):
        plans = json.loads((base / "plans.json").read_text())
        plans["configurations"]["3d_fullres"].update(normalization_schemes=[name], use_mask_for_norm=[mask])
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary) / "folder"
            shutil.copytree(base, folder)
            (folder / "plans.json").write_text(json.dumps(plans))
            maker.answer(f"norm_{name}", folder, [thin], folds=(0,))


def checkpoints(maker, thin):
    """Checkpoints as others write them, and trainers that change the network or the mirrored axes."""
    plans, dataset = plans_of(features=(2, 4), patch=[8, 12, 12]), dataset_of()
    network = network_of(plans, dataset, "3d_fullres", 77)
    folder = maker.folder("checkpoints", plans, dataset)
    usual = checkpoint_of(network, plans, dataset, "3d_fullres")
    weights = usual["network_weights"]
    kept = collections.defaultdict(dict, usual)
    kept["logging"] = collections.defaultdict(list, usual["logging"])
    kept["init_args"] = collections.defaultdict(lambda: None) if False else dict(usual["init_args"], fold=np.int64(0))
    maker.save(folder, usual)
    maker.save(folder, kept, "1")
    prefixed = lambda prefix: collections.OrderedDict((prefix + key, value) for key, value in weights.items())
    maker.save(folder, {**usual, "network_weights": prefixed("_orig_mod.")}, "2")
    maker.save(folder, {**usual, "network_weights": prefixed("module.")}, "3")
    scalars = {**usual, "trainer_name": np.str_("nnUNetTrainer_250epochs"),
               "inference_allowed_mirroring_axes": tuple(np.int64(i) for i in (0, 1)), "_best_ema": np.float32(0.5)}
    maker.save(folder, scalars, "4")
    other = network_of(plans, dataset, "3d_fullres", 78)
    best = checkpoint_of(other, plans, dataset, "3d_fullres", trainer="nnUNetTrainerMine", mirror=None)
    maker.save(folder, best, "0", "checkpoint_best.pth")
    everything = checkpoint_of(other, plans, dataset, "3d_fullres", "all", trainer="nnUNetTrainer_onlyMirror01", mirror=(0, 1))
    maker.save(folder, everything, "all")
    maker.answer("usual", folder, [thin], folds=(0,))
    maker.answer("mirror_01", folder, [thin], folds=(4,))
    maker.answer("all", folder, [thin], folds=("all",))
    from nnunetv2.inference import predict_from_raw_data as module
    find = module.recursive_find_trainer_class_by_name
    module.recursive_find_trainer_class_by_name = lambda name: find("nnUNetTrainer")
    maker.answer("best", folder, [thin], folds=(0,), checkpoint="checkpoint_best.pth")
    module.recursive_find_trainer_class_by_name = find
    batch = json.loads(json.dumps(plans))
    kwargs = batch["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]
    kwargs.update(norm_op="torch.nn.modules.batchnorm.BatchNorm3d", norm_op_kwargs={"eps": 1e-5, "affine": True})
    network = network_of(batch, dataset, "3d_fullres", 79)
    folder = maker.folder("batch_norm", plans, dataset)
    save(maker, folder, network, plans, dataset, "3d_fullres", trainer="nnUNetTrainerBN")
    maker.answer("batch_norm", folder, [thin])


def pictures(maker):
    """2-D models of pictures (`NaturalImage2DIO`) and of NIfTI files of two axes."""
    from skimage import io
    random = np.random.default_rng(5)
    values = [gaussian_filter(random.standard_normal((36, 41)), 2.0) for _ in range(4)]
    values = np.stack([np.clip(np.round(v / v.std() * 40 + 110), 0, 255).astype(np.uint8) for v in values], -1)
    reader = "NaturalImage2DIO"
    images = maker.out / "images"
    for channels, ending, of in ((3, ".png", values[..., :3]), (4, ".png", values), (1, ".tif", values[..., 0]), (1, ".bmp", values[..., 1]),
                                 (1, ".nii.gz", values[..., 2])):
        name = f"picture_{channels}{ending.split('.')[1]}"
        by = reader if ending != ".nii.gz" else "SimpleITKIO"
        norm = "RGBTo01Normalization" if channels > 1 else "ZScoreNormalization"
        # The one of four channels and NIfTI's are resampled, those of others are not.
        spacing = [1.0, 1.0] if channels == 3 or ending == ".tif" else [1.3, 0.9]
        plans = plans_of(2, channels, reader=by, norm=norm, features=(2, 4), spacing=spacing)
        dataset = dataset_of(channels, ending=ending)
        folder = maker.folder(name, plans, dataset)
        save(maker, folder, network_of(plans, dataset, "2d", 40 + channels), plans, dataset, "2d", mirror=(0, 1))
        image = images / f"{name}_0000{ending}"
        if ending == ".nii.gz":
            made = sitk.GetImageFromArray(of)
            made.SetSpacing((0.8, 1.1))
            made.SetOrigin((3.0, -7.0))
            sitk.WriteImage(made, str(image), True)
        else: io.imsave(str(image), of, check_contrast=False)
        maker.answer(name, folder, [str(image)])


def main(out):
    maker = Maker(out)
    thin = maker.image("thin_0000.nii.gz", (30, 26, 18), (1.0, 1.1, 2.4), 1)
    thick = maker.image("thick_0000.nii.gz", (30, 26, 9), (1.0, 1.1, 6.0), 2)
    base = five_folds(maker, thin, thick)
    resamplings(maker, base, ((thin, "thin"), (thick, "thick")))
    normalizations(maker, base, thin)
    checkpoints(maker, thin)
    pictures(maker)


def large(out, model):
    """One case of more than 10⁶ voxels; too large to be stored."""
    maker = Maker(out)
    image = maker.image("large_0000.nii.gz", (110, 104, 100), (1.0, 1.1, 2.4), 8)
    maker.answer("large", pathlib.Path(model), [image])


def compare(out, labels):
    answers = pathlib.Path(out) / "answers"
    read = lambda path: sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    theirs, ours = read(answers / "large.nii.gz"), read(labels)
    tied = np.zeros(theirs.shape, bool)
    tied[tuple(np.load(answers / "large.ties.npy").T)] = True
    differ = theirs != ours
    print(f"{theirs.size} voxels, {int(tied.sum())} ties, {int(differ.sum())} differ, {int((differ & ~tied).sum())} of these are no ties")


if __name__ == "__main__":
    if len(sys.argv) == 2: main(sys.argv[1])
    elif sys.argv[2] == "--large": large(sys.argv[1], sys.argv[3])
    else: compare(sys.argv[1], sys.argv[3])
