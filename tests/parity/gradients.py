"""Gradients of a loss by every parameter of the peers' networks, for `tests/gradients.rs`.

    pip install torch monai dynamic-network-architectures einops
    python tests/parity/gradients.py > tests/data/gradients.json

Weights, inputs and labels are functions of a parameter's name and of the index, made again in the test, so
no weights are stored. The peers compute in double precision. Of each parameter's gradient are stored: its
norm, its largest magnitude, its product with made numbers, and three entries. VNet is not among them: it
drops half of two skips at random whatever its options. SwinUNETR's inputs are such that no activation that
matters lies at the kink of its leak, where rounding decides on which side: with the input `input`, the shape
64 × 32 × 32 has one in `decoder1` at 2e-7 of their size; on its other side the largest entry of a gradient in
`decoder2` is smaller by 3e-3, which is what single precision found.
"""
import json
import pydoc
import sys
import warnings
from importlib.metadata import version

import monai
import monai.networks.nets as nets
import numpy as np
import torch
from dynamic_network_architectures.architectures import unet
from monai.losses import DiceCELoss

warnings.simplefilter("ignore")
torch.set_num_threads(2)
torch.set_default_dtype(torch.float64)


def made(name, count):
    """Numbers in [-1, 1) that look random."""
    phase = sum((i + 1) * byte for i, byte in enumerate(name.encode())) % 1009
    x = np.sin(np.arange(count) * 12.9898 + phase * 78.233) * 43758.5453
    return 2 * (x - np.floor(x)) - 1


def weight(name, shape):
    values = made(name, int(np.prod(shape)))
    if len(shape) > 1:
        values = values * np.sqrt(3 / np.prod(shape[1:]))
    elif name.endswith("bias"):
        values = 0.1 * values
    elif shape[0] == 1:  # The slope of a PReLU.
        values = 0.25 + 0.1 * values
    else:
        values = 1 + 0.2 * values
    # The test computes in single precision: both start from the same numbers.
    return torch.from_numpy(values.astype(np.float32).astype(np.float64).reshape(shape))


K3, S1, S2 = [3, 3, 3], [1, 1, 1], [2, 2, 2]
NNUNET = {
    "n_stages": 3, "features_per_stage": [8, 12, 16], "conv_op": "torch.nn.modules.conv.Conv3d", "kernel_sizes": [[1, 3, 3], K3, K3],
    "strides": [S1, S2, [1, 2, 2]], "n_conv_per_stage_decoder": [2, 2], "conv_bias": True, "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
    "norm_op_kwargs": {"eps": 1e-5, "affine": True}, "dropout_op": None, "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True},
    "deep_supervision": True,
}


def of_monai(target, **arguments):
    return {"_target_": f"monai.networks.nets.{target}", "in_channels": 1, "out_channels": 3, **arguments}


def of_nnunet(kind, blocks):
    stages = "n_blocks_per_stage" if "Residual" in kind else "n_conv_per_stage"
    return {"network_class_name": f"dynamic_network_architectures.architectures.unet.{kind}", "arch_kwargs": {**NNUNET, stages: blocks},
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"], "input_channels": 1, "num_classes": 3}


CASES = {
    "unet": (of_monai("UNet", spatial_dims=3, channels=[8, 12, 16], strides=[2, 2], num_res_units=2), (2, 1, 8, 12, 16)),
    "unet_batch_norm": (of_monai("UNet", spatial_dims=3, channels=[8, 12, 16], strides=[2, [1, 2, 2]], num_res_units=0, norm="BATCH"), (2, 1, 8, 12, 16)),
    "basic_unet": (of_monai("BasicUNet", spatial_dims=3, features=[4, 4, 8, 8, 16, 4]), (1, 1, 16, 32, 32)),
    "dynunet": (of_monai("DynUNet", spatial_dims=3, kernel_size=[K3, K3, K3], strides=[S1, S2, [2, 2, 1]], upsample_kernel_size=[S2, [2, 2, 1]], filters=[8, 12, 16], res_block=True), (2, 1, 8, 12, 16)),
    "segresnet": (of_monai("SegResNet", spatial_dims=3, init_filters=8, blocks_down=[1, 2, 2], blocks_up=[1, 1]), (2, 1, 8, 12, 16)),
    "segresnet_ds": (of_monai("SegResNetDS", spatial_dims=3, init_filters=8, blocks_down=[1, 2, 2], norm="INSTANCE", dsdepth=2), (1, 1, 16, 12, 16)),
    "attention_unet": (of_monai("AttentionUnet", spatial_dims=3, channels=[8, 12, 16], strides=[2, 2]), (2, 1, 8, 12, 16)),
    "mednext": (of_monai("MedNeXt", spatial_dims=3, init_filters=4, blocks_down=[1, 1, 1, 1], blocks_bottleneck=1, blocks_up=[1, 1, 1, 1], encoder_expansion_ratio=2, decoder_expansion_ratio=2, bottleneck_expansion_ratio=2, kernel_size=3, use_residual_connection=True), (1, 1, 32, 32, 32)),
    "unetr": (of_monai("UNETR", img_size=[32, 32, 48], feature_size=4, hidden_size=24, mlp_dim=48, num_heads=4), (1, 1, 32, 32, 48)),
    "swin_unetr": (of_monai("SwinUNETR", spatial_dims=3, feature_size=12), (1, 1, 32, 64, 64)),
    "swin_unetr_two_voxels": (of_monai("SwinUNETR", spatial_dims=3, feature_size=12), (1, 1, 64, 32, 32), "input 9"),
    "plain_conv_unet": (of_nnunet("PlainConvUNet", [2, 2, 2]), (2, 1, 8, 12, 16)),
    "residual_encoder_unet": (of_nnunet("ResidualEncoderUNet", [1, 2, 2]), (2, 1, 8, 12, 16)),
}


def build(architecture):
    if "_target_" in architecture:
        arguments = dict(architecture)
        return getattr(nets, arguments.pop("_target_").rsplit(".", 1)[1])(**arguments)
    arguments = dict(architecture["arch_kwargs"])
    for key in architecture["_kw_requires_import"]:
        arguments[key] = arguments[key] and pydoc.locate(arguments[key])
    kind = architecture["network_class_name"].rsplit(".", 1)[1]
    return getattr(unet, kind)(input_channels=architecture["input_channels"], num_classes=architecture["num_classes"], **arguments)


def head_weights(heads):
    """nnU-Net's: halves, the last 0, normalised."""
    weights = [0.5**i for i in range(heads)]
    if heads > 1:
        weights[-1] = 0.0
    return [weight / sum(weights) for weight in weights]


def at_grid(labels, grid):
    for axis, length in enumerate(grid, 2):
        source = [(2 * i + 1) * labels.shape[axis] // (2 * length) for i in range(length)]
        labels = labels.index_select(axis, torch.tensor(source))
    return labels


def case(name):
    architecture, shape, *named = CASES[name]
    given = named[0] if named else "input"
    network = build(architecture).double().train()
    with torch.no_grad():
        for key, parameter in network.named_parameters():
            parameter.copy_(weight(key, parameter.shape))
    x = torch.from_numpy(made(given, int(np.prod(shape))).astype(np.float32).astype(np.float64).reshape(shape))
    voxels = int(np.prod(shape))
    labels = torch.from_numpy((np.arange(voxels) // 3 % 3).reshape(shape))
    heads = network(x)
    heads = list(heads) if isinstance(heads, (list, tuple)) else [heads]
    dice_ce = DiceCELoss(to_onehot_y=True, softmax=True)
    loss = sum(w * dice_ce(head, at_grid(labels, head.shape[2:]).double()) for head, w in zip(heads, head_weights(len(heads))) if w)
    loss.backward()
    gradients = {}
    for key, parameter in network.named_parameters():
        # A head without weight gets no gradient; nothing else may lack one.
        g = np.zeros(parameter.numel()) if parameter.grad is None else parameter.grad.numpy().reshape(-1)
        entries = [g[0], g[g.size // 2], g[-1]]
        numbers = [np.linalg.norm(g), np.abs(g).max(), g @ made("with " + key, g.size), *entries]
        gradients[key] = [float(f"{number:.6e}") for number in numbers]
    return {"name": name, "architecture": architecture, "shape": shape, "input": given, "heads": len(heads), "loss": loss.item(), "gradients": gradients}


if __name__ == "__main__":
    versions = {"torch": torch.__version__, "monai": monai.__version__, "dynamic_network_architectures": version("dynamic_network_architectures")}
    cases = [case(name) for name in (sys.argv[1:] or CASES)]
    print(json.dumps({"versions": versions, "cases": cases}).replace('{"name"', '\n{"name"'))
