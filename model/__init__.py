"""The networks: pictures → heatmaps → pose, their losses, and how their weights are read."""
