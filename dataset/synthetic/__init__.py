"""The synthetic set: free parametric bodies seen through the release's camera, in its layout."""
