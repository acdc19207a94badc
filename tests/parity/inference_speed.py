"""`vesalius predict` beside `nnUNetv2_predict_from_modelfolder`: the same folder, the same cases, whole
commands from start to the file written, both in turn in one run, two threads each.

    python inference_speed.py VESALIUS MODEL_FOLDER CASES WORKDIR [RUNS]

CASES holds `name_0000.nii.gz`. Prints job, peer, median seconds, peak MiB (nnU-Net: it and its workers,
summed while they run) as tab-separated lines. nnU-Net 2.8.1, PyTorch 2.15."""
import os, pathlib, shutil, statistics, subprocess, sys, threading, time

vesalius, model, cases, work = map(pathlib.Path, sys.argv[1:5])
runs = int(sys.argv[5]) if len(sys.argv) > 5 else 3
environment = dict(os.environ, OMP_NUM_THREADS="2", RAYON_NUM_THREADS="2", nnUNet_raw=str(work), nnUNet_preprocessed=str(work), nnUNet_results=str(work))
NNUNET = pathlib.Path(sys.executable).with_name("nnUNetv2_predict_from_modelfolder")

def family(pid):
    """The resident memory of a process and all below it, in bytes."""
    total = 0
    try:
        total += int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split(): total += family(int(child))
    except (FileNotFoundError, ProcessLookupError, IndexError): pass
    return total

def run(command):
    peak, start = 0, time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, family(process.pid)); time.sleep(0.005)
    if process.returncode: sys.exit(f"failed: {command}")
    return time.perf_counter() - start, peak

def job(name, inputs, runs):
    took = {"vesalius": [], "nnunet": []}
    for _ in range(runs):
        for peer in took:
            out = work / f"out_{peer}"; shutil.rmtree(out, ignore_errors=True)
            ours = [vesalius, "predict", "--model", model, "--input", inputs, "--output", out, "--folds", "0"]
            theirs = [NNUNET, "-i", inputs, "-o", out, "-m", model, "-f", "0", "-device", "cpu", "-npp", "1", "-nps", "1"]
            took[peer].append(run(ours if peer == "vesalius" else theirs))
    for peer, measured in took.items():
        print(f"{name}\t{peer}\t{statistics.median(m[0] for m in measured):.2f}\t{max(m[1] for m in measured) / 2**20:.0f}", flush=True)

def folder(name, files):
    target = work / name; shutil.rmtree(target, ignore_errors=True); target.mkdir(parents=True)
    for k, file in enumerate(files): shutil.copy(file, target / f"case{k:02}_0000.nii.gz")
    return target

def large():
    import numpy as np, SimpleITK as sitk
    z, y, x = np.mgrid[0:160, 0:256, 0:256]
    v = (1000 * np.sin(x / 9) * np.cos(y / 11) * np.sin(z / 7) + np.random.default_rng(0).normal(0, 30, x.shape)).astype(np.int16)
    target = work / "large"; shutil.rmtree(target, ignore_errors=True); target.mkdir(parents=True)
    sitk.WriteImage(sitk.GetImageFromArray(v), str(target / "v_0000.nii.gz"), True)
    return target

found = sorted(cases.glob("*.nii.gz"))
job("one_case", folder("one", found[:1]), runs)
job("ten_cases", folder("ten", (found * 10)[:10]), max(1, runs // 2))
if "--large" in sys.argv: job("256x256x160_flips", large(), 1)
