"""Losses of MONAI and nnU-Net on made numbers, for `crates/losses/tests/parity.rs`.

    pip install torch monai nnunetv2
    python tests/parity/losses.py > crates/losses/tests/data/losses.json

Logits and labels are functions of the index, made again in the test. Each case holds the config in our
words, the value, and every 17th number of the gradient to the logits.
"""
import json
import math
import sys
import warnings

import monai
import monai.losses as L
import nnunetv2  # noqa: F401
import torch
from importlib.metadata import version
from nnunetv2.training.loss.compound_losses import DC_and_BCE_loss, DC_and_CE_loss
from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss

warnings.simplefilter("ignore")
torch.set_num_threads(1)
N, C, Z, Y, X = 2, 3, 3, 4, 5
COUNT = N * C * Z * Y * X


def logits():
    values = [2.5 * math.sin(0.7 * i) + 0.01 * (i % 7) for i in range(COUNT)]
    return torch.tensor(values, dtype=torch.float32).reshape(N, C, Z, Y, X).requires_grad_()


def labels(classes):
    values = [(i * 7919 // 5) % classes for i in range(N * Z * Y * X)]
    return torch.tensor(values).reshape(N, 1, Z, Y, X)


def emit(name, scheme, config, loss):
    x = logits()
    value = loss(x)
    value.backward()
    gradient = x.grad.reshape(-1)[::17].tolist()
    return {"name": name, "scheme": scheme, "loss": config, "value": value.item(), "gradient": gradient}


def exclusive(y=3):
    target = labels(y)
    return lambda loss: (lambda x: loss(x, target))


def regions():
    y = labels(4)
    return torch.cat([(y >= 1), (y >= 2), (y == 3)], 1).float()


E3, R3, IGNORE = exclusive(), regions(), exclusive(4)
WEIGHT = torch.tensor([0.2, 1.0, 3.0]).reshape(1, 3)
UNIFIED = (L.unified_focal_loss.AsymmetricFocalLoss, L.unified_focal_loss.AsymmetricFocalTverskyLoss)


def two(loss, ignore=False):
    """MONAI's unified focal loss takes probabilities of two classes: the first two channels, softmaxed."""
    y = labels(3 if ignore else 2)
    target = y if ignore else torch.cat([y == 0, y == 1], 1).float()
    return lambda x: loss(torch.softmax(x[:, :2], 1), target)


def of_regions(loss):
    """The mean over regions, each a problem of two classes."""
    return lambda x: sum(loss(torch.sigmoid(x[:, [c]]), R3[:, [c]]) for c in range(C)) / C


def unified(focal, tversky, weight):
    focal.to_onehot_y = tversky.to_onehot_y = True
    return lambda p, t: weight * focal(p, t) + (1 - weight) * tversky(p, t)


def symmetric_unified_focal(p, t, weight=0.5, gamma=0.5, delta=0.7, epsilon=1e-7):
    """The symmetric form of Yeung et al. (2022), equations 13 and 14, which MONAI does not have."""
    p = p.clamp(epsilon, 1 - epsilon)
    share = torch.tensor([1 - delta, delta]).reshape(1, 2, 1, 1, 1)
    focal = (-share * (1 - p) ** gamma * t * p.log()).mean()
    tp, fn, fp = ((a * b).sum((2, 3, 4)) for a, b in ((t, p), (t, 1 - p), (1 - t, p)))
    index = (tp + epsilon) / (tp + delta * fn + (1 - delta) * fp + epsilon)
    return weight * focal + (1 - weight) * ((1 - index) ** (1 - gamma)).mean()


soft = {"to_onehot_y": True, "softmax": True}
cases = [
    emit("dice", "exclusive", {"dice": {}}, E3(L.DiceLoss(**soft))),
    emit("dice foreground batch squared", "exclusive", {"dice": {"include_background": False, "batch": True, "squared_pred": True}},
         E3(L.DiceLoss(include_background=False, batch=True, squared_pred=True, **soft))),
    emit("jaccard", "exclusive", {"dice": {"jaccard": True}}, E3(L.DiceLoss(jaccard=True, **soft))),
    emit("dice weighted", "exclusive", {"dice": {"weight": [0.2, 1.0, 3.0]}}, E3(L.DiceLoss(weight=[0.2, 1.0, 3.0], **soft))),
    emit("dice regions", "regions", {"dice": {}}, lambda x: L.DiceLoss(sigmoid=True)(x, R3)),
    emit("cross entropy", "exclusive", {"cross_entropy": {}}, lambda x: torch.nn.CrossEntropyLoss()(x, labels(3)[:, 0])),
    emit("cross entropy weighted", "exclusive", {"cross_entropy": {"weight": [0.2, 1.0, 3.0]}},
         lambda x: torch.nn.CrossEntropyLoss(weight=torch.tensor([0.2, 1.0, 3.0]))(x, labels(3)[:, 0])),
    emit("cross entropy smoothed", "exclusive", {"cross_entropy": {"label_smoothing": 0.1}},
         lambda x: torch.nn.CrossEntropyLoss(label_smoothing=0.1)(x, labels(3)[:, 0])),
    emit("cross entropy weighted and smoothed", "exclusive", {"cross_entropy": {"weight": [0.2, 1.0, 3.0], "label_smoothing": 0.1}},
         lambda x: torch.nn.CrossEntropyLoss(weight=torch.tensor([0.2, 1.0, 3.0]), label_smoothing=0.1)(x, labels(3)[:, 0])),
    emit("cross entropy ignoring", "exclusive ignore 3", {"cross_entropy": {}},
         lambda x: torch.nn.CrossEntropyLoss(ignore_index=3)(x, labels(4)[:, 0])),
    emit("cross entropy regions", "regions", {"cross_entropy": {}}, lambda x: torch.nn.BCEWithLogitsLoss()(x, R3)),
    emit("cross entropy regions weighted", "regions", {"cross_entropy": {"weight": [2.0, 0.5, 3.0]}},
         lambda x: torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0, 0.5, 3.0]).reshape(3, 1, 1, 1))(x, R3)),
    emit("dice cross entropy", "exclusive", {"dice_cross_entropy": {}}, E3(L.DiceCELoss(**soft))),
    emit("generalized dice", "exclusive", {"generalized_dice": {}}, E3(L.GeneralizedDiceLoss(**soft))),
    emit("generalized dice simple batch", "exclusive", {"generalized_dice": {"w_type": "simple", "batch": True, "include_background": False}},
         E3(L.GeneralizedDiceLoss(w_type="simple", batch=True, include_background=False, **soft))),
    emit("tversky", "exclusive", {"tversky": {"alpha": 0.3, "beta": 0.7}}, E3(L.TverskyLoss(alpha=0.3, beta=0.7, **soft))),
    emit("tversky regions", "regions", {"tversky": {"batch": True}}, lambda x: L.TverskyLoss(sigmoid=True, batch=True)(x, R3)),
    emit("focal", "exclusive", {"focal": {}}, E3(L.FocalLoss(to_onehot_y=True, use_softmax=True))),
    emit("focal alpha", "exclusive", {"focal": {"alpha": 0.25, "gamma": 1.5}},
         E3(L.FocalLoss(to_onehot_y=True, use_softmax=True, alpha=0.25, gamma=1.5))),
    emit("focal sigmoid", "exclusive", {"focal": {"use_softmax": False, "alpha": 0.25, "weight": [1.0, 2.0, 3.0]}},
         E3(L.FocalLoss(to_onehot_y=True, alpha=0.25, weight=[1.0, 2.0, 3.0]))),
    emit("focal regions foreground", "regions", {"focal": {"gamma": 3.0}}, lambda x: L.FocalLoss(gamma=3.0)(x, R3)),
    emit("dice focal", "exclusive", {"dice_focal": {"lambda_focal": 0.5}}, E3(L.DiceFocalLoss(lambda_focal=0.5, **soft))),
    emit("nnunet", "exclusive", {"dice_cross_entropy": {"dice": {"include_background": False, "batch": True}}},
         lambda x: 1 + DC_and_CE_loss({"batch_dice": True, "smooth": 1e-5, "do_bg": False, "ddp": False}, {}, weight_ce=1, weight_dice=1,
                                      dice_class=MemoryEfficientSoftDiceLoss)(x, labels(3))),
    emit("nnunet ignoring", "exclusive ignore 3", {"dice_cross_entropy": {"dice": {"include_background": False, "batch": True}}},
         lambda x: 1 + DC_and_CE_loss({"batch_dice": True, "smooth": 1e-5, "do_bg": False, "ddp": False}, {}, weight_ce=1, weight_dice=1, ignore_label=3,
                                      dice_class=MemoryEfficientSoftDiceLoss)(x, labels(4))),
    emit("nnunet regions", "regions", {"dice_cross_entropy": {"dice": {"batch": True}}},
         lambda x: 1 + DC_and_BCE_loss({}, {"batch_dice": True, "do_bg": True, "smooth": 1e-5, "ddp": False}, use_ignore_label=False,
                                       dice_class=MemoryEfficientSoftDiceLoss)(x, R3)),
    emit("dice ignoring", "exclusive ignore 3", {"dice": {}}, IGNORE(L.DiceLoss(ignore_index=3, **soft))),
    emit("tversky ignoring", "exclusive ignore 3", {"tversky": {"alpha": 0.3, "beta": 0.7}},
         IGNORE(L.TverskyLoss(alpha=0.3, beta=0.7, ignore_index=3, **soft))),
    # With an ignored label MONAI's mean is over voxels; without one, as ours always, over channels too.
    emit("focal ignoring", "exclusive ignore 3", {"focal": {}}, IGNORE(lambda x, y: L.FocalLoss(to_onehot_y=True, use_softmax=True, ignore_index=3)(x, y) / C)),
    emit("tversky weighted", "exclusive", {"tversky": {"weight": [0.2, 1.0, 3.0]}},
         E3(lambda x, y: (L.TverskyLoss(reduction="none", **soft)(x, y).flatten(1) * WEIGHT).mean())),
    emit("unified focal", "two classes", {"unified_focal": {}}, two(L.AsymmetricUnifiedFocalLoss())),
    emit("unified focal options", "two classes", {"unified_focal": {"weight": 0.3, "gamma": 0.75, "delta": 0.6}},
         two(L.AsymmetricUnifiedFocalLoss(weight=0.3, gamma=0.75, delta=0.6))),
    emit("unified focal symmetric", "two classes", {"unified_focal": {"asymmetric": False}}, two(symmetric_unified_focal)),
    emit("unified focal regions", "regions", {"unified_focal": {}}, of_regions(L.AsymmetricUnifiedFocalLoss())),
    emit("unified focal ignoring", "two classes ignore 2", {"unified_focal": {"weight": 0.3}},
         two(lambda p, t: unified(*(k(gamma=0.5, ignore_index=2) for k in UNIFIED), 0.3)(p, t), ignore=True)),
    emit("hausdorff dt", "exclusive", {"hausdorff_dt": {}}, E3(L.HausdorffDTLoss(**soft))),
    emit("hausdorff dt background", "exclusive", {"hausdorff_dt": {"include_background": True, "alpha": 1.5}},
         E3(L.HausdorffDTLoss(include_background=True, alpha=1.5, batch=True, **soft))),
    emit("hausdorff dt log", "exclusive", {"hausdorff_dt": {"log": True}}, E3(L.LogHausdorffDTLoss(**soft))),
    emit("hausdorff dt regions", "regions", {"hausdorff_dt": {}}, lambda x: L.HausdorffDTLoss(include_background=True, sigmoid=True)(x, R3)),
    emit("hausdorff dt weighted", "exclusive", {"hausdorff_dt": {"include_background": True, "weight": [0.2, 1.0, 3.0]}},
         E3(lambda x, y: (L.HausdorffDTLoss(include_background=True, reduction="none", **soft)(x, y).flatten(1) * WEIGHT).mean())),
    emit("boundary", "exclusive", {"boundary": {}}, E3(L.BoundaryLoss(**soft))),
    emit("boundary foreground", "exclusive", {"boundary": {"include_background": False}}, E3(L.BoundaryLoss(include_background=False, **soft))),
    emit("boundary regions", "regions", {"boundary": {}}, lambda x: L.BoundaryLoss(sigmoid=True)(x, R3)),
    emit("dice and boundary", "exclusive", {"sum": [{"weight": 1.0, "loss": {"dice": {}}}, {"weight": 0.1, "loss": {"boundary": {"include_background": False}}}]},
         E3(lambda x, y: L.DiceLoss(**soft)(x, y) + 0.1 * L.BoundaryLoss(include_background=False, **soft)(x, y))),
    emit("cldice", "exclusive", {"cldice": {}}, E3(L.SoftclDiceLoss(**soft))),
    emit("cldice foreground", "exclusive", {"cldice": {"include_background": False, "iter": 1, "smooth_nr": 0.5, "smooth_dr": 0.25}},
         E3(L.SoftclDiceLoss(include_background=False, iter_=1, smooth_nr=0.5, smooth_dr=0.25, **soft))),
    emit("cldice regions", "regions", {"cldice": {"iter": 2}}, lambda x: L.SoftclDiceLoss(iter_=2, sigmoid=True)(x, R3)),
    emit("dice cldice", "exclusive", {"dice_cldice": {"alpha": 0.3}}, E3(L.SoftDiceclDiceLoss(alpha=0.3, **soft))),
]
json.dump({"versions": {"torch": torch.__version__, "monai": monai.__version__, "nnunetv2": version("nnunetv2")}, "cases": cases}, sys.stdout, indent=1)
