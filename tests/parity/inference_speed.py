"""Inference beside the peers: whole commands from start to the file written, and the stitching alone, each
job in turn in one run, two threads each. nnU-Net 2.8.1, MONAI 1.6.1, PyTorch 2.15.

    pip install nnunetv2 monai SimpleITK
    python inference_speed.py --vesalius BINARY --model FOLDER --cases FOLDER --work FOLDER [--rounds N] [--jobs NAME ...]
    python inference_speed.py --peer-speed BINARY --volume FOLDER --work FOLDER --jobs sliding_window_copy_96

Jobs: `one_case`, `ten_cases`, `256x256x160_flips` run `vesalius predict` beside
`nnUNetv2_predict_from_modelfolder` on fold 0 of FOLDER, both with the flips that its checkpoint allows;
`sliding_window_copy_96` runs the case of that name of `examples/peer_speed` beside MONAI's
SlidingWindowInferer, on `v.nii.gz` of the folder given by `--volume`, without the start of either.
`--cases` holds `name_0000.nii.gz`. Prints, tab-separated, a line a job: the medians in seconds, their
ratio, the peaks in MiB (a process and its workers, what they share counted once)
and their ratio.
"""
import argparse, os, pathlib, shutil, statistics, subprocess, sys, threading, time

JOBS = ["one_case", "ten_cases", "256x256x160_flips", "sliding_window_copy_96"]
NNUNET = pathlib.Path(sys.executable).with_name("nnUNetv2_predict_from_modelfolder")


def family(pid):
    """The resident memory of a process and all below it, in bytes; a page that several share counts once."""
    total = 0
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) << 10
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                total += family(int(child))
    except (FileNotFoundError, ProcessLookupError, IndexError):
        pass
    return total


def run(command, environment):
    """Seconds, peak bytes and what was printed of a command that must succeed."""
    peak, start = 0, time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    said = []
    reader = threading.Thread(target=lambda: said.append(process.stdout.read()))
    reader.start()
    while process.poll() is None:
        peak = max(peak, family(process.pid))
        time.sleep(0.02 if time.perf_counter() - start < 2 else 0.25)
    took = time.perf_counter() - start
    reader.join()
    if process.returncode:
        sys.exit(f"failed: {command}")
    return took, peak, said[0]


def report(job, ours, theirs):
    """A line: medians and peaks of [(seconds, bytes)] of both, and their ratios."""
    seconds = [statistics.median(m[0] for m in measured) for measured in (ours, theirs)]
    peaks = [max(m[1] for m in measured) / 2**20 for measured in (ours, theirs)]
    fields = [job, f"{seconds[0]:.3f}", f"{seconds[1]:.3f}", f"{seconds[0] / seconds[1]:.3f}", f"{peaks[0]:.0f}", f"{peaks[1]:.0f}", f"{peaks[0] / peaks[1]:.3f}"]
    print("\t".join(fields), flush=True)


def predict(job, inputs, options, environment, rounds):
    """Both commands on a folder of cases, in turn."""
    ours, theirs = [], []
    for _ in range(rounds):
        out = options.work / "out_vesalius"
        shutil.rmtree(out, ignore_errors=True)
        command = [options.vesalius, "predict", "--model", options.model, "--input", inputs, "--output", out, "--folds", "0"]
        ours.append(run(command, environment)[:2])
        out = options.work / "out_nnunet"
        shutil.rmtree(out, ignore_errors=True)
        command = [NNUNET, "-i", inputs, "-o", out, "-m", options.model, "-f", "0", "-device", "cpu", "-npp", "1", "-nps", "1"]
        theirs.append(run(command, environment)[:2])
    report(job, ours, theirs)


def folder(options, name, files):
    target = options.work / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for number, file in enumerate(files):
        shutil.copy(file, target / f"case{number:02}_0000.nii.gz")
    return target


def large(options):
    """A made scan of 256 × 256 × 160 voxels."""
    import numpy as np, SimpleITK as sitk
    z, y, x = np.mgrid[0:160, 0:256, 0:256]
    noise = np.random.default_rng(0).normal(0, 30, x.shape)
    values = (1000 * np.sin(x / 9) * np.cos(y / 11) * np.sin(z / 7) + noise).astype(np.int16)
    target = folder(options, "large", [])
    sitk.WriteImage(sitk.GetImageFromArray(values), str(target / "v_0000.nii.gz"), True)
    return target


MONAI = """
import statistics, sys, time, SimpleITK as sitk, torch
from monai.inferers import SlidingWindowInferer
torch.set_num_threads(2)
image = torch.from_numpy(sitk.GetArrayFromImage(sitk.ReadImage(sys.argv[1])).astype("float32"))[None, None]
windows = SlidingWindowInferer(96, sw_batch_size=4, overlap=0.5, mode="gaussian")
twice = lambda patch: torch.cat([patch, patch], 1)
took = []
with torch.inference_mode():
    for _ in range(3):
        start = time.perf_counter(); windows(image, twice); took.append(time.perf_counter() - start)
print("sliding_window_copy_96\\tmonai\\t%.2f" % (1000 * statistics.median(took)))
"""


def stitching(options, environment, rounds):
    """The stitching of windows that a network gives back twice: the clock of each program itself."""
    ours, theirs = [], []
    name = "sliding_window_copy_96"
    milliseconds = lambda said: float(said.split("\t")[2])
    for _ in range(rounds):
        _, peak, said = run([options.peer_speed, options.volume, name], environment)
        ours.append((milliseconds(said) / 1000, peak))
        _, peak, said = run([sys.executable, "-c", MONAI, options.volume / "v.nii.gz"], environment)
        theirs.append((milliseconds(said) / 1000, peak))
    report(name, ours, theirs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ["vesalius", "model", "cases", "work", "peer-speed", "volume"]:
        parser.add_argument(f"--{name}", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=JOBS[:3])
    options = parser.parse_args()
    if options.work is None:
        parser.error("--work is needed")
    options.work.mkdir(parents=True, exist_ok=True)
    places = {name: str(options.work) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
    environment = dict(os.environ, OMP_NUM_THREADS="2", RAYON_NUM_THREADS="2", THREADS="2", **places)
    print("job\tvesalius s\tpeer s\tratio\tvesalius MiB\tpeer MiB\tratio")
    for job in options.jobs:
        if job == "sliding_window_copy_96":
            stitching(options, environment, options.rounds)
        elif job == "256x256x160_flips":
            predict(job, large(options), options, environment, options.rounds)
        else:
            found = sorted(options.cases.glob("*.nii.gz"))
            if not found:
                sys.exit(f"{options.cases} holds no case")
            count = 1 if job == "one_case" else 10
            predict(job, folder(options, job, (found * 10)[:count]), options, environment, options.rounds)


main()
