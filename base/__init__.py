"""What every other package speaks: skeleton, actions, camera, frame record and contracts."""
