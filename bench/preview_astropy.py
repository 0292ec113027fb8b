"""The same work with astropy, numpy and Pillow: read, median and MAD by full histogram, bin, stretch, 1600 px JPEG and 320 px thumbnail.

Usage: preview_astropy.py FILE RUNS OUT.jpg; prints one JSON line {"ms": [...]}; the first run is a warm-up.
"""
import io
import json
import sys
import time

import numpy as np
from astropy.io import fits
from PIL import Image


def midtones(m, x):
    return np.where(x <= 0, 0, np.where(x >= 1, 1, (m - 1) * x / ((2 * m - 1) * x - m)))


def preview(path, out):
    with fits.open(path, memmap=False) as hdus:
        hdu = next(h for h in hdus if h.data is not None and h.data.ndim >= 2)
        data = hdu.data
        flip = hdu.header.get("ROWORDER", "BOTTOM-UP").strip().upper() != "TOP-DOWN"
    if data.dtype == np.uint16:
        counts = np.bincount(data.ravel(), minlength=65536)
        total = np.cumsum(counts)
        median = float(np.searchsorted(total, data.size // 2, side="right"))
        deviations = np.zeros(65536, dtype=counts.dtype)
        np.add.at(deviations, np.abs(np.arange(65536) - int(median)), counts)
        mad = float(np.searchsorted(np.cumsum(deviations), data.size // 2, side="right"))
        low, high = 0.0, 65535.0
    else:
        finite = data[np.isfinite(data)]
        median = float(np.median(finite))
        mad = float(np.median(np.abs(finite - median)))
        low, high = (0.0, 1.0) if finite.min() >= 0 and finite.max() <= 1.01 else (float(finite.min()), float(finite.max()))
    height, width = data.shape[-2:]
    f = max(1, round(max(width, height) / 1600))
    h, w = height // f, width // f
    binned = data[: h * f, : w * f].reshape(h, f, w, f).mean(axis=(1, 3), dtype=np.float32)
    median, mad = (median - low) / (high - low), mad / (high - low)
    c0 = min(max(median - 2.8 * 1.4826 * mad, 0), 1) if mad > 0 else 0
    m = float(midtones(0.25, np.float64(median - c0)))
    x = ((binned - low) / (high - low) - c0) / (1 - c0)
    picture = np.round(255 * midtones(m, x)).astype(np.uint8)
    if flip:
        picture = picture[::-1]
    image = Image.fromarray(picture)
    image.save(out, quality=85)
    image.thumbnail((320, 320))
    image.save(io.BytesIO(), "JPEG", quality=80)


times = []
for _ in range(int(sys.argv[2]) + 1):
    started = time.perf_counter()
    preview(sys.argv[1], sys.argv[3])
    times.append((time.perf_counter() - started) * 1000)
print(json.dumps({"ms": times[1:]}))
