"""What PyTorch computes for pooling, resize, grid sample, padding, norms and transposed convolution.

    python tests/parity/kernels.py > crates/kernels/tests/data/torch.json

Inputs are the numbers of `ramp`, so that only outputs and gradients need to be stored.
"""
import json
import torch
import torch.nn.functional as F


def ramp(count, step):
    return [((i * step) % 101 - 50) / 50 for i in range(count)]


def tensor(shape, step):
    count = torch.Size(shape).numel()
    return torch.tensor(ramp(count, step), dtype=torch.float32).reshape(shape).requires_grad_()


cases = {}


def case(name, function, *inputs):
    output = function(*inputs)
    gradient = torch.tensor(ramp(output.numel(), 29), dtype=torch.float32).reshape(output.shape)
    gradients = torch.autograd.grad(output, inputs, gradient)
    flat = lambda t: [float(f"{v:.8g}") for v in t.detach().flatten().tolist()]
    cases[name] = {"shape": list(output.shape), "output": flat(output), "gradients": [flat(g) for g in gradients]}


size = (1, 2, 3, 4, 5)
for mode, corners in (("nearest", None), ("nearest-exact", None), ("trilinear", False), ("trilinear", True)):
    for to in ((6, 8, 10), (2, 3, 7)):
        name = f"resize {mode} {corners} {'x'.join(map(str, to))}"
        case(name, lambda x: F.interpolate(x, size=to, mode=mode, align_corners=corners), tensor(size, 37))
for mode in ("bilinear", "nearest"):
    for padding in ("zeros", "border", "reflection"):
        for corners in (False, True):
            grid = (1, 2, 3, 4, 3)
            case(f"sample {mode} {padding} {corners}",
                 lambda x, g: F.grid_sample(x, 1.7 * g, mode=mode, padding_mode=padding, align_corners=corners),
                 tensor(size, 37), tensor(grid, 43))
case("max_pool 2", lambda x: F.max_pool3d(x, (2, 2, 2)), tensor(size, 37))
case("max_pool 3 2 1", lambda x: F.max_pool3d(x, 3, 2, 1), tensor(size, 37))
case("avg_pool 2", lambda x: F.avg_pool3d(x, (2, 2, 2)), tensor(size, 37))
case("avg_pool 3 2 1", lambda x: F.avg_pool3d(x, 3, 2, 1), tensor(size, 37))
for mode in ("constant", "replicate", "reflect"):
    case(f"pad {mode}", lambda x: F.pad(x, (2, 1, 0, 3, 1, 2), mode=mode), tensor(size, 37))
case("instance_norm", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), tensor(size, 37), tensor((2,), 11), tensor((2,), 7))
case("conv_transpose 3 2 1 1", lambda x, w, b: F.conv_transpose3d(x, w, b, 2, 1, 1), tensor(size, 37), tensor((2, 3, 3, 3, 3), 11), tensor((3,), 7))
case("conv 3 2 1", lambda x, w, b: F.conv3d(x, w, b, 2, 1), tensor(size, 37), tensor((3, 2, 3, 3, 3), 11), tensor((3,), 7))
print(json.dumps({"torch": torch.__version__, "cases": cases}))
