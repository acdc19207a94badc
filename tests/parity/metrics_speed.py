"""Times measures by lesion and surface distances beside the peers, both sides in turn, on made masks of 256 x 256 x 160.

    pip install "numpy<2.3" scipy torch monai ccmetrics panoptica "connected-components-3d<4"
    cargo build --release -p vesalius-metrics --example speed
    python tests/parity/metrics_speed.py target/release/examples/speed [ROUNDS]

Elapsed times, two threads each; the median of the rounds, and the ratio of the medians.
"""
import pathlib, subprocess, sys, tempfile, time, warnings
import numpy as np, torch
warnings.filterwarnings("ignore")
torch.set_num_threads(2)
from CCMetrics import CCDiceMetric
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice
from panoptica import ConnectedComponentsInstanceApproximator, InputType, NaiveThresholdMatching, Panoptica_Evaluator
from panoptica.metrics import Metric

SIZE, SPACING = (256, 256, 160), (0.9, 0.9, 2.0)


def masks():
    """Forty lesions, most of them found, with false ones; axes x, y, z."""
    rng = np.random.default_rng(5)
    x, y, z = np.ogrid[:SIZE[0], :SIZE[1], :SIZE[2]]
    out = [np.zeros(SIZE, bool), np.zeros(SIZE, bool)]
    for i in range(40):
        c, r = [int(rng.integers(20, n - 20)) for n in SIZE], int(rng.integers(2, 16))
        moved = [v + int(rng.integers(-2, 3)) for v in c]
        ball = lambda c, r: (x - c[0]) ** 2 + (y - c[1]) ** 2 + (z - c[2]) ** 2 <= r * r
        out[0] |= ball(c, r)
        if i % 4:
            out[1] |= ball(moved, max(2, r + int(rng.integers(-1, 2))))
        else:
            out[1] |= ball([int(rng.integers(20, n - 20)) for n in SIZE], 5)
    return out


def panoptica():
    return Panoptica_Evaluator(
        expected_input=InputType.SEMANTIC, instance_approximator=ConnectedComponentsInstanceApproximator(),
        instance_matcher=NaiveThresholdMatching(), instance_metrics=[Metric.IOU], global_metrics=[])


def cc_metrics(r, p):
    metric = CCDiceMetric(cc_reduction="patient")
    one_hot = lambda m: np.stack([~m, m]).astype(np.float32)[None]
    metric(y_pred=one_hot(p), y=one_hot(r))
    return float(metric.cc_aggregate()[0])


def main():
    binary = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    r, p = masks()
    tr, tp = [torch.from_numpy(m.astype("float32"))[None, None] for m in (r, p)]
    m = dict(include_background=True, spacing=SPACING)
    peers = {
        "hd95": ("MONAI", lambda: float(compute_hausdorff_distance(tp, tr, percentile=95, **m))),
        "assd": ("MONAI", lambda: float(compute_average_surface_distance(tp, tr, symmetric=True, **m))),
        "nsd": ("MONAI", lambda: float(compute_surface_dice(tp, tr, [1.0], **m))),
        "panoptica_pq": ("panoptica", lambda: float(list(panoptica().evaluate(p.astype(np.uint8), r.astype(np.uint8), voxelspacing=SPACING, verbose=False).values())[0].pq)),
        "component_dice": ("CC-metrics", lambda: cc_metrics(r, p)),
    }
    times = {name: ([], []) for name in peers}
    values = {}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "masks"
        path.write_bytes(b"".join(mask.astype(np.uint8).tobytes(order="F") for mask in (r, p)))
        for _ in range(rounds):
            for name, (_, peer) in peers.items():
                words = [binary, path, *SIZE, *SPACING, name, 3]
                line = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=True, env={"RAYON_NUM_THREADS": "2"}).stdout.split()
                times[name][0].append(float(line[2]))
                start = time.perf_counter()
                theirs = peer()
                times[name][1].append((time.perf_counter() - start) * 1000)
                values[name] = (float(line[1]), theirs)
    for name, (ours, theirs) in times.items():
        ours, theirs = np.median(ours), np.median(theirs)
        print(f"{name:<16} {values[name][0]:.6f} {values[name][1]:.6f}   ours {ours:8.1f} ms   {peers[name][0]:<10} {theirs:8.1f} ms   ratio {ours / theirs:.3f}", flush=True)


if __name__ == "__main__":
    main()
