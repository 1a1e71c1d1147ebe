"""Proof that the verifier can fail: copies of the evidence with one change each, every one of which must be found."""

import base64
import json
import pathlib
import random
import shutil
import tempfile

# About the run itself, not about what happened: nothing in the evidence says them.
NOT_FIGURES = {("rpc_url",), ("database_url",), ("api_url",)}


def leaves(value, path=()):
    """Paths of all figures of a JSON value; an empty list is a figure too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, path + (name,))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, path + (index,))
    else:
        yield path


def changed(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, list):
        return ["0"]
    if value == "":
        return "0"
    if value is None:
        return 0
    last = value[-1]
    return value[:-1] + ("1" if last != "1" else "2")


def change_json(file, path):
    document = json.loads(file.read_text())
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = changed(place[path[-1]])
    file.write_text(json.dumps(document))


def flip(file, position):
    data = bytearray(file.read_bytes())
    data[position] ^= 1
    file.write_bytes(data)


def changes(folder, chance):
    """(what, file, function of a copy's folder): every figure of the summary, some bytes of every file, missing files."""
    for path in leaves(json.loads((folder / "summary.json").read_text())):
        if path not in NOT_FIGURES and path[-1] != "role":
            yield f"summary.json {path}", "summary.json", lambda copy, path=path: change_json(copy / "summary.json", path)
    for file in sorted((folder / "evidence").rglob("*")):
        if not file.is_file():
            continue
        name = file.relative_to(folder)
        if file.suffix == ".bin" or file.name == "descriptor.json":
            size = file.stat().st_size
            for position in sorted({0, size // 2, size - 1, chance.randrange(size)}):
                yield f"{name} byte {position}", name, lambda copy, name=name, position=position: flip(copy / name, position)
        if file.suffix == ".bin":
            yield f"{name} missing", name, lambda copy, name=name: (copy / name).unlink()
    transactions = sorted((folder / "evidence/transactions").iterdir())
    for file in transactions:
        name = file.relative_to(folder)
        yield f"{name} missing", name, lambda copy, name=name: (copy / name).unlink()
        data = ("transaction", "message", "instructions", -1, "data")
        yield f"{name} data", name, lambda copy, name=name: change_json(copy / name, data)


def changes_of_balances(folder):
    """One base unit more in each token account of chain.json."""
    file = folder / "evidence/chain.json"
    token = json.loads((folder / "evidence/index.json").read_text())["programs"]["token"]
    for position, account in enumerate(json.loads(file.read_text())["accounts"]):
        if account["owner"] == token and len(base64.b64decode(account["data"])) == 165:

            def change(copy, position=position):
                document = json.loads((copy / "evidence/chain.json").read_text())
                data = bytearray(base64.b64decode(document["accounts"][position]["data"]))
                data[64] ^= 1
                document["accounts"][position]["data"] = base64.b64encode(data).decode()
                (copy / "evidence/chain.json").write_text(json.dumps(document))

            yield f"chain.json balance of {account['address']}", pathlib.Path("evidence/chain.json"), change


def self_test(folder, verify):
    chance = random.Random(7)
    unnoticed, tried = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch)
        shutil.copytree(folder / "evidence", copy / "evidence")
        shutil.copy(folder / "summary.json", copy)
        for what, name, change in [*changes(copy, chance), *changes_of_balances(copy)]:
            kept = (copy / name).read_bytes()
            change(copy)
            tried += 1
            if verify(copy, lambda text: None):
                unnoticed.append(what)
            (copy / name).write_bytes(kept)
    for what in unnoticed:
        print(f"UNNOTICED  {what}")
    print(f"{tried} changes tried, {tried - len(unnoticed)} found")
    return not unnoticed
