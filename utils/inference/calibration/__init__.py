"""Calibrations as people have them on disk: OpenCV, ROS, Kalibr, OCamCalib and COLMAP files.

Which of them a file is, is seen from its content:

- JSON or YAML with a camera matrix and distortion coefficients: what users of
  ``cv2.fisheye.calibrate`` and ``cv2.calibrateCamera`` save, OpenCV's own FileStorage, ROS's
  ``camera_info`` and Kalibr's ``camchain``.
- JSON with ``polynomialC2W``, and ``calib_results.txt``: OCamCalib.
- ``cameras.txt``: COLMAP's text model, its fisheye, perspective and pinhole cameras.
"""
