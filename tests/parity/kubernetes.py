"""The manifests of `vesalius auto submit --executor kubernetes --dry-run` against Kubernetes' own JSON schema.

    pip install kubernetes-validate
    python tests/parity/kubernetes.py FOLDER/kubernetes/*.yaml

Prints a line for each file, and ends with 1 where one is not valid."""

import sys

import kubernetes_validate
import yaml

failed = 0
for path in sys.argv[1:]:
    with open(path) as file:
        for document in yaml.safe_load_all(file):
            try:
                kubernetes_validate.validate(document, "1.33", strict=True)
                print(f"{path}: a valid {document['kind']}")
            except kubernetes_validate.ValidationError as error:
                failed += 1
                print(f"{path}: {'/'.join(map(str, error.path))}: {error.message}")
sys.exit(failed > 0)
