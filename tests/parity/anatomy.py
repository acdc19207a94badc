"""Codes of SNOMED CT for names of labels: -> crates/dicom/src/seg/anatomy.csv.

  python tests/parity/anatomy.py totalsegmentator_snomed_mapping.csv

The argument is TotalSegmentator's own mapping (Apache-2.0). Each code is looked up in pydicom's dictionaries; where they
have the concept with another code, pydicom's is taken, and codes that they do not list are named at the end. Needs:
pydicom.
"""

import csv
import sys
from pathlib import Path

from pydicom.sr._concepts_dict import concepts

OUT = Path(__file__).resolve().parents[2] / "crates/dicom/src/seg/anatomy.csv"
SCT = concepts["SCT"]
BY_CODE = {c: (k, m) for k, codes in SCT.items() for c, (m, _) in codes.items()}
ANATOMY, ABNORMAL, TISSUE = ("91723000", "Anatomical Structure"), ("49755003", "Morphologically Abnormal Structure"), ("85756007", "Tissue")
LEFT, RIGHT = ("7771000", "Left"), ("24028007", "Right")
# Where the mapping's code is that of one side or of a neighbour.
BETTER = {
    "gluteus_minimus": ("75297007", "Gluteus minimus muscle"),
    "gluteus_minimus_left": ("75297007", "Gluteus minimus muscle"),
    "gluteus_minimus_right": ("75297007", "Gluteus minimus muscle"),
}
KEYWORDS = {"subclavian_artery_left": "SubclavianArtery", "subclavian_artery_right": "SubclavianArtery"}


def concept(keyword):
    codes = SCT[keyword]
    value, (meaning, _) = next(iter(codes.items()))
    return value, meaning


# Names of the Medical Segmentation Decathlon and of other common datasets: category, type by pydicom's keyword, side,
# region by keyword.
OTHERS = [
    ("left_ventricle", ANATOMY, "LeftVentricle", None, None),
    ("right_ventricle", ANATOMY, "RightVentricle", None, None),
    ("left_atrium", ANATOMY, "LeftAtrium", None, None),
    ("right_atrium", ANATOMY, "RightAtrium", None, None),
    ("hippocampus", ANATOMY, "Hippocampus", None, None),
    ("lung", ANATOMY, "Lung", None, None),
    ("lung_left", ANATOMY, "Lung", LEFT, None),
    ("lung_right", ANATOMY, "Lung", RIGHT, None),
    ("bladder", ANATOMY, "Bladder", None, None),
    ("uterus", ANATOMY, "Uterus", None, None),
    ("breast", ANATOMY, "Breast", None, None),
    ("bone", ANATOMY, "Bone", None, None),
    ("vertebra", ANATOMY, "Vertebra", None, None),
    ("portal_vein", ANATOMY, "PortalVein", None, None),
    ("hepatic_vein", ANATOMY, "HepaticVein", None, None),
    ("thymus", ANATOMY, "Thymus", None, None),
    ("pericardium", ANATOMY, "Pericardium", None, None),
    ("cerebellum", ANATOMY, "Cerebellum", None, None),
    ("brainstem", ANATOMY, "BrainStem", None, None),
    ("optic_chiasm", ANATOMY, "OpticChiasm", None, None),
    ("parotid_left", ANATOMY, "ParotidGland", LEFT, None),
    ("parotid_right", ANATOMY, "ParotidGland", RIGHT, None),
    ("mandible", ANATOMY, "Mandible", None, None),
    ("larynx", ANATOMY, "Larynx", None, None),
    ("rectum", ANATOMY, "Rectum", None, None),
    ("pancreas_tumor", ABNORMAL, "Neoplasm", None, "Pancreas"),
    ("lung_tumor", ABNORMAL, "Neoplasm", None, "Lung"),
    ("lung_nodule", ABNORMAL, "Nodule", None, "Lung"),
    ("colon_cancer_primaries", ABNORMAL, "Neoplasm", None, "Colon"),
    ("brain_tumor", ABNORMAL, "Neoplasm", None, "Brain"),
    ("kidney_tumor", ABNORMAL, "Neoplasm", None, "Kidney"),
    ("pz", ANATOMY, "PeripheralZoneOfTheProstate", None, None),
    ("tz", ANATOMY, "TransitionZoneOfTheProstate", None, None),
    ("vessel", ANATOMY, "BloodVessel", None, None),
    ("tumor", ABNORMAL, "Neoplasm", None, None),
    ("cancer", ABNORMAL, "Neoplasm", None, None),
    ("lesion", ABNORMAL, "Lesion", None, None),
    ("cyst", ABNORMAL, "Cyst", None, None),
    ("nodule", ABNORMAL, "Nodule", None, None),
    ("mass", ABNORMAL, "Mass", None, None),
    ("edema", ABNORMAL, "Edema", None, None),
    ("necrosis", ABNORMAL, "Necrosis", None, None),
    ("hemorrhage", ABNORMAL, "Hemorrhage", None, None),
]
# Other spellings of names in the table.
SAME = {
    "kidney_left": ["left_kidney"], "kidney_right": ["right_kidney"], "lung_left": ["left_lung"], "lung_right": ["right_lung"],
    "small_bowel": ["small_intestine"], "esophagus": ["oesophagus"], "inferior_vena_cava": ["postcava", "ivc"],
    "adrenal_gland_left": ["left_adrenal_gland"], "adrenal_gland_right": ["right_adrenal_gland"],
    "tumor": ["tumour", "neoplasm"], "edema": ["oedema"], "hemorrhage": ["haemorrhage"], "liver_tumor": ["liver_tumour", "hepatic_tumor"],
    "left_ventricle": ["lv"], "right_ventricle": ["rv"], "prostate": ["prostate_gland"], "skull": ["cranium"],
    "cancer": ["colon_cancer"], "urinary_bladder": [], "heart_atrium_left": [], "gallbladder": ["gall_bladder"],
    "pancreas_tumor": ["pancreatic_tumor"], "kidney_tumor": ["renal_tumor"], "hippocampus": [],
}


def main():
    rows, unlisted = {}, []
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        for row in list(csv.reader(file))[1:]:
            name = row[0]
            category = {"123037004": ANATOMY, "49755003": ABNORMAL, "85756007": TISSUE}.get(row[2])
            if category is None or row[11] == "840539006":
                continue
            kind = BETTER.get(name, (row[5], row[6]))
            if name in KEYWORDS:
                kind = concept(KEYWORDS[name])
            side = (row[8], row[9]) if row[8] in (LEFT[0], RIGHT[0]) else None
            region = (row[11], row[12]) if row[11] else None
            region_side = (row[14], row[15]) if row[14] else None
            rows[name] = [category, kind, side, region, region_side]
    for name, category, keyword, side, region in OTHERS:
        rows.setdefault(name, [category, concept(keyword), side, concept(region) if region else None, None])
    for name, others in SAME.items():
        for other in others:
            rows.setdefault(other, rows[name])
    with OUT.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "category", "meaning", "type", "meaning", "modifier", "meaning", "region", "meaning", "region_modifier", "meaning"])
        for name in sorted(rows):
            codes = [c or ("", "") for c in rows[name]]
            # The names of SNOMED CT end in their kind, which a viewer need not show.
            clean = [(v, m.split(" (")[0]) for v, m in codes]
            writer.writerow([name] + [part for code in clean for part in code])
            for value, meaning in codes:
                if value and value not in BY_CODE:
                    unlisted.append(f"{name}: {value} {meaning}")
    print(f"{len(rows)} names; codes that pydicom does not list, as TotalSegmentator gives them:")
    print("\n".join(unlisted))


main()
