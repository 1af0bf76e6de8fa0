"""What every other package speaks: skeleton, actions, camera, the frame record and the contracts."""
