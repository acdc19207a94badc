"""Every network beside PyTorch's: forward and a training step at 64³ on two threads, and peak memory.

    pip install torch monai dynamic-network-architectures einops
    cargo build --release --example peer_speed
    python tests/parity/network_speed.py target/release/examples/peer_speed [CASE ...]
    python tests/parity/network_speed.py --memory target/release/examples/peer_speed [CASE ...]

Both sides take turns, three rounds of a median of three after one that does not count; the median of the
rounds is printed. Networks are those of `examples/peer_speed/networks.json`.
"""
import json
import os
import pathlib
import pydoc
import statistics
import subprocess
import sys
import time
import warnings

NETWORKS = pathlib.Path(__file__).parents[2] / "examples/peer_speed/networks.json"
THREADS = os.environ.get("THREADS", "2")
ROUNDS = int(os.environ.get("ROUNDS", "3"))


def build(architecture):
    import monai.networks.nets as nets
    from dynamic_network_architectures.architectures import unet

    if "_target_" in architecture:
        arguments = dict(architecture)
        return getattr(nets, arguments.pop("_target_").rsplit(".", 1)[1])(**arguments)
    arguments = dict(architecture["arch_kwargs"])
    for key in architecture["_kw_requires_import"]:
        arguments[key] = arguments[key] and pydoc.locate(arguments[key])
    kind = architecture["network_class_name"].rsplit(".", 1)[1]
    return getattr(unet, kind)(input_channels=architecture["input_channels"], num_classes=architecture["num_classes"], **arguments)


def work(case):
    import torch
    from monai.losses import DiceCELoss

    torch.set_num_threads(int(THREADS))
    name, mode, edge = case.rsplit("_", 2)
    network = build(json.loads(NETWORKS.read_text())[name])
    x = torch.randn(1, 1, *[int(edge)] * 3)
    if mode == "forward":
        network.eval()

        def forward():
            with torch.inference_mode():
                network(x)

        return forward
    network.train()
    labels = (torch.arange(x.numel()) * 7919 % 2).reshape(x.shape)
    loss, optimizer = DiceCELoss(to_onehot_y=True, softmax=True), torch.optim.AdamW(network.parameters(), 1e-3)

    def step():
        optimizer.zero_grad()
        output = network(x)
        loss(output[0] if isinstance(output, (list, tuple)) else output, labels).backward()
        optimizer.step()

    return step


def of_torch(case, memory):
    import resource

    warnings.simplefilter("ignore")
    if memory:
        import monai.losses  # noqa: F401
        import monai.networks.nets  # noqa: F401

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run = work(case)
    if memory:
        run(), run()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before / 1024)
        return
    run()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    print(statistics.median(times))


def ask(*command):
    environment = {**os.environ, "THREADS": THREADS}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split()


def main(arguments):
    memory = arguments[0] == "--memory"
    binary, *cases = arguments[memory:]
    cases = cases or [f"{name}_{mode}_64" for name in json.loads(NETWORKS.read_text()) for mode in ("forward", "train")]
    print("case\tvesalius MiB\tempty\ttorch MiB\tempty" if memory else "case\tvesalius ms\ttorch ms\tratio")
    for case in cases:
        if memory:
            ours, theirs = ask(binary, "memory", case), ask(sys.executable, __file__, "--torch-memory", case)
            print(f"{case}\t{ours[2]}\t{ours[4]}\t{float(theirs[0]):.0f}\t{float(theirs[1]):.0f}", flush=True)
            continue
        rounds = [(float(ask(binary, ".", case)[2]), float(ask(sys.executable, __file__, "--torch", case)[0])) for _ in range(ROUNDS)]
        ours, theirs = (statistics.median(side) for side in zip(*rounds))
        print(f"{case}\t{ours:.0f}\t{theirs:.0f}\t{ours / theirs:.2f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1].startswith("--torch"):
        of_torch(sys.argv[2], sys.argv[1] == "--torch-memory")
    else:
        main(sys.argv[1:])
