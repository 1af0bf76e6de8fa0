"""Calibrations as people have them on disk, told apart by their content: JSON or YAML with a camera
matrix and distortion coefficients (what users of OpenCV save, OpenCV's FileStorage, ROS, Kalibr),
OCamCalib's ``calib_results.txt`` or JSON, and COLMAP's ``cameras.txt``.
"""
