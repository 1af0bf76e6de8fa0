"""Pictures of poses: skeletons over the camera's picture and in a fixed 3D view."""
