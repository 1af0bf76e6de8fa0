"""What people wear: cuts, colours, and the sheets of cloth and hair that stand off the body."""
