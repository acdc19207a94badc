"""Architectures of `DiNTS` that are drawn, not searched for."""
import random


def architecture(seed, blocks, depths, operations):
    """Codes in which every path begins where one ends, and the depths of the last block that are used."""
    draw = random.Random(seed)
    paths = 3 * depths - 2
    begins = [(i + 1) // 3 + (i + 1) % 3 - 1 for i in range(paths)]
    ends = [(i + 1) // 3 for i in range(paths)]
    reached, rows = set(range(depths)), []
    for _ in range(blocks):
        there = [int(begins[i] in reached and draw.random() < 0.6) for i in range(paths)]
        for depth in range(depths):
            # One path at least to each depth that can be reached.
            into = [i for i in range(paths) if ends[i] == depth and begins[i] in reached]
            if into and not any(there[i] for i in into):
                there[draw.choice(into)] = 1
        reached = {ends[i] for i in range(paths) if there[i]}
        rows.append(there)
    codes = [[draw.randrange(operations) for _ in range(paths)] for _ in range(blocks)]
    nodes = [[1] * depths for _ in range(blocks + 1)]
    return rows, codes, nodes
