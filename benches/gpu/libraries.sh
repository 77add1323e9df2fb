# Puts CUDA's libraries on the loader's path: those of a toolkit, and those that come with Python's packages.
folders=$(python3 - <<'PYTHON'
import glob, site, sys
roots = site.getsitepackages() + [p for p in sys.path if p.endswith("-packages")]
found = [f for root in dict.fromkeys(roots) for f in glob.glob(f"{root}/nvidia/*/lib")]
print(":".join(found + glob.glob("/usr/local/cuda*/lib64")))
PYTHON
)
export LD_LIBRARY_PATH="$folders:${LD_LIBRARY_PATH:-}"
