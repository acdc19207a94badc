"""Checkpoints as PyTorch 2.15 writes them, of kinds that a plain state dict is not.

    python checkpoints.py OUTDIR             # writes what crates/networks/tests/data/checkpoints holds

`odd.pt` is a defaultdict, which pytorch-reader refuses: tensors that are views (transposed, with an offset, of steps,
expanded), a parameter, halves, NumPy's scalars, keys that are no text. `odd.json` holds what PyTorch reads of it.
`module.pt` is a whole module with a defaultdict among its attributes.
"""
import collections, json, pathlib, sys
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


def main(out):
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    found = odd()
    torch.save(found, out / "odd.pt")
    module = torch.nn.Linear(2, 1)
    module.notes = collections.defaultdict(list, {"a": [1]})
    torch.save(module, out / "module.pt")
    read = torch.load(out / "odd.pt", weights_only=False)
    tensors = {f"state_dict.{name}": value for name, value in read["state_dict"].items()}
    tensors |= {"listed.0": read["listed"][0], "listed.1.deep": read["listed"][1]["deep"]}
    told = {name: {"shape": list(value.shape), "values": [float(v) for v in value.detach().double().reshape(-1)]}
            for name, value in tensors.items()}
    (out / "odd.json").write_text(json.dumps(told))


if __name__ == "__main__": main(sys.argv[1])
