"""What people do over time: programs of their movement, and BVH clips of a user."""
