"""Sources of frames, target heatmaps and the batches that go to the device."""
