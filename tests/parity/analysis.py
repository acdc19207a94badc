"""Auto3DSeg's statistics and nnU-Net's fingerprint of a dataset: stored numbers, and both sides' time.

    python tests/parity/analysis.py expected DATASET crates/planning/tests/data/hippocampus_datastats.json
    python tests/parity/analysis.py speed DATASET TARGET/release/examples/analyze [THREADS]

DATASET is a Decathlon folder (Task04_Hippocampus). MONAI 1.6.1, nnU-Net 2.8.1, NumPy 2.4.6, PyTorch 2.15.
The peers run as their users run them: DataAnalyzer on the CPU, the fingerprint with THREADS processes.
"""
import json, os, pathlib, subprocess, sys, tempfile, time


def statistics(root, output, components, workers, datalist=None):
    import torch
    torch.set_num_threads(2)
    from monai.apps.auto3dseg import DataAnalyzer
    start = time.time()
    analyzer = DataAnalyzer(str(datalist or root / "dataset.json"), str(root), output_path=str(output), device="cpu",
                            worker=workers, do_ccp=components)
    analyzer.get_all_case_stats()
    return time.time() - start


def fingerprint(root, folder, processes):
    """The fingerprint of the same files behind nnU-Net's names."""
    for key in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        os.environ[key] = str(folder / key)
        (folder / key).mkdir()
    raw = folder / "nnUNet_raw" / "Dataset004_Hippocampus"
    for name in ("imagesTr", "labelsTr"):
        (raw / name).mkdir(parents=True)
    listed = json.loads((root / "dataset.json").read_text())
    for case in listed["training"]:
        name = pathlib.Path(case["image"]).name.removesuffix(".nii.gz")
        (raw / "imagesTr" / f"{name}_0000.nii.gz").symlink_to(root / case["image"])
        (raw / "labelsTr" / f"{name}.nii.gz").symlink_to(root / case["label"])
    labels = {name: int(value) for value, name in listed["labels"].items()}
    (raw / "dataset.json").write_text(json.dumps({
        "channel_names": {"0": "MRI"}, "labels": labels, "numTraining": len(listed["training"]),
        "file_ending": ".nii.gz"}))
    from nnunetv2.experiment_planning.dataset_fingerprint.fingerprint_extractor import DatasetFingerprintExtractor
    extractor = DatasetFingerprintExtractor("Dataset004_Hippocampus", processes)
    extractor.show_progress_bar = False
    start = time.time()
    extractor.run(overwrite_existing=True)
    return time.time() - start


def expected(root, target):
    """The statistics of the first six cases."""
    import yaml
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "datastats.yaml"
        listed = json.loads((root / "dataset.json").read_text())
        listed["training"] = listed["training"][:6]
        datalist = pathlib.Path(folder) / "six.json"
        datalist.write_text(json.dumps(listed))
        statistics(root, output, True, 0, datalist)
        content = yaml.safe_load(output.read_text())
        cases = yaml.safe_load((pathlib.Path(folder) / "datastats_by_case.yaml").read_text())["stats_by_cases"]
    case = {key: value for key, value in cases[0].items() if not key.endswith("filepath")}
    target.write_text(json.dumps({"stats_summary": content["stats_summary"], "first_case": case}, indent=1))


def speed(root, program, threads):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        theirs = {"fingerprint": fingerprint(root, folder, threads),
                  "statistics": statistics(root, folder / "datastats.yaml", False, 0)}
        (folder / "ours").mkdir()
        environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
        answer = subprocess.run([program, root, folder / "ours"], capture_output=True, text=True, check=True, env=environment)
    ours = {name: float(seconds) for name, seconds in (line.split() for line in answer.stdout.splitlines()[:3])}
    for name, seconds in theirs.items():
        print(f"{name}: peer {seconds:.2f} s, ours {ours[name]:.2f} s, ratio {seconds / ours[name]:.1f}")
    both = sum(theirs.values())
    print(f"both, with the check, from one reading: peers {both:.2f} s, ours {ours['all']:.2f} s, ratio {both / ours['all']:.1f}")


if __name__ == "__main__":
    command, root = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    if command == "expected":
        expected(root, pathlib.Path(sys.argv[3]))
    else:
        speed(root, sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 2)
