"""Bodies and how they are posed: skin and bones, poses, where the headset sits."""
