"""Checkpoints as PyTorch 2.15 writes them, of kinds that a plain state dict is not.

    python checkpoints.py OUTDIR             # writes what crates/networks/tests/data/checkpoints holds

`odd.pt` is a defaultdict, which pytorch-reader refuses: tensors that are views (transposed, with an offset, of steps,
expanded), a parameter, halves, NumPy's scalars, keys that are no text. `odd.json` holds what PyTorch reads of it.
`shared.pt` is the state dict of a network whose blocks hold a layer twice and whose decoder holds the encoder, as nnU-Net's.
`scripted.ts` and `traced.ts` are TorchScript's archives of one network, `plain.pt` is its state dict.
`module.pt` is a whole module with a defaultdict among its attributes. `arrays_pN.pkl` is a dictionary of NumPy's arrays in
the pickle protocol N, `arrays.json` the same as lists.
"""
import collections, json, pathlib, pickle, sys
import numpy as np, torch


def odd():
    torch.manual_seed(3)
    base = torch.randn(4, 6)
    found = collections.defaultdict(list)
    found["state_dict"] = collections.OrderedDict(
        plain=base, transposed=base.T, column=base[1:, 2], steps=base[::2, 1::2], expanded=base[0, :3].expand(2, 3),
        parameter=torch.nn.Parameter(torch.randn(3)), half=torch.randn(5).half(), brain=torch.randn(5).bfloat16(),
        double=torch.randn(2, dtype=torch.float64), count=torch.tensor(7), empty=torch.zeros(0, 3))
    found["listed"] = [base[3], {"deep": base[:, 5]}]
    found["values"] = {
        "text": np.str_("nnUNetTrainer_250epochs"), "int64": np.int64(-3), "uint8": np.uint8(200), "int16": np.dtype(">i2").type(-2),
        "big": np.array(-258, ">i4")[()], "float32": np.float32(0.5), "float16": np.float16(-1.5), "float64": np.float64(2.25),
        "bool": np.bool_(True), "axes": tuple(np.int64(i) for i in (0, 1)), "large": 1 << 100, "wide": 1 << 40,
        "device": torch.device("cpu"), "set": {4}, "counter": collections.Counter("aab"),
        3: "three", 2.5: "float", None: "none", True: "true", (1, 2): "left out"}
    return found


def shared():
    torch.manual_seed(5)
    block = torch.nn.Module()
    block.conv = torch.nn.Conv2d(1, 2, 3)
    block.all_modules = torch.nn.Sequential(block.conv)
    network = torch.nn.Module()
    network.encoder, network.decoder = block, torch.nn.Module()
    network.decoder.encoder, network.decoder.out = block, torch.nn.Conv2d(2, 1, 1)
    # Equal values that are nobody else's tensor.
    network.decoder.out.bias.data[:] = network.encoder.conv.bias.data[0]
    network.decoder.twin = torch.nn.Parameter(network.encoder.conv.bias.detach().clone())
    return network


def scripted(out):
    torch.manual_seed(11)
    conv = lambda a, b: torch.nn.Sequential(torch.nn.Conv3d(a, b, 3, bias=False), torch.nn.BatchNorm3d(b), torch.nn.PReLU())
    network = torch.nn.Sequential(conv(1, 2), torch.nn.Sequential(conv(2, 2), torch.nn.Conv3d(2, 3, 1))).eval()
    torch.save(network.state_dict(), out / "plain.pt")
    torch.jit.script(network).save(out / "scripted.ts")
    torch.jit.trace(network, torch.zeros(1, 1, 8, 8, 8)).save(out / "traced.ts")


def arrays():
    whole = np.arange(6, dtype=np.int64).reshape(2, 3)
    return {
        "whole": whole, "fortran": np.asfortranarray(whole), "transposed": whole.T, "steps": whole[:, ::2], "big": whole.astype(">i2"),
        "float": np.array([0.5, -2.25], np.float32), "bool": np.array([True, False]), "names": np.array(["left", "right"]),
        "objects": np.array([1, "two", None], dtype=object), "scalar": np.array(7, np.uint8), "empty": np.zeros((0, 3)),
        "listed": [np.array([20, 320, 256])]}


def main(out):
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    found = odd()
    torch.save(found, out / "odd.pt")
    scripted(out)
    torch.save({"network_weights": shared().state_dict()}, out / "shared.pt")
    module = torch.nn.Linear(2, 1)
    module.notes = collections.defaultdict(list, {"a": [1]})
    torch.save(module, out / "module.pt")
    for protocol in (2, 4, 5):
        (out / f"arrays_p{protocol}.pkl").write_bytes(pickle.dumps(arrays(), protocol=protocol))
    lists = {name: value.tolist() if isinstance(value, np.ndarray) else [v.tolist() for v in value] for name, value in arrays().items()}
    (out / "arrays.json").write_text(json.dumps(lists))
    read = torch.load(out / "odd.pt", weights_only=False)
    tensors = {f"state_dict.{name}": value for name, value in read["state_dict"].items()}
    tensors |= {"listed.0": read["listed"][0], "listed.1.deep": read["listed"][1]["deep"]}
    told = {name: {"shape": list(value.shape), "values": [float(v) for v in value.detach().double().reshape(-1)]}
            for name, value in tensors.items()}
    (out / "odd.json").write_text(json.dumps(told))


if __name__ == "__main__": main(sys.argv[1])
