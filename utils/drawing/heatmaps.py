"""Heatmaps drawn over the picture that they were made from."""

import cv2
import numpy as np


def overlay_heatmaps(image: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """Heatmaps (J, h, h), about 1 at a joint, in a colour each over a darkened picture (T, T, 3)
    uint8 RGB; returns the same kind of picture."""
    side, count = image.shape[0], len(heatmaps)
    maps = np.ascontiguousarray(heatmaps.clip(0, 1).transpose(1, 2, 0), np.float32)
    maps = cv2.resize(maps, (side, side), interpolation=cv2.INTER_LINEAR)
    # Hues as far apart as they go.
    hsv = np.full((1, count, 3), 255, np.uint8)
    hsv[0, :, 0] = np.arange(count) * 180 // count
    hues = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0] / 255.0
    # The mean colour of the joints that are there: a sum would be white where several are near.
    colours = maps @ hues / maps.sum(-1, keepdims=True).clip(1e-6)
    cover = maps.max(-1, keepdims=True)
    mixed = image * 0.45 * (1 - cover) + 255 * cover * colours
    return mixed.clip(0, 255).astype(np.uint8)
