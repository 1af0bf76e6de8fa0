"""What is expected of each file of ../shared/camera_files."""

#: File, and of one that is read the lens, the width and height, and the camera's first numbers in
#: the order of its fields; else a part of the refusal.  Values are the files' own, except: COLMAP's
#: and nerfstudio's centres less half a pixel; OpenSfM's and Metashape's turned into pixels; fx = f;
#: OCamCalib's polynomial with its sign turned.
_TABLE = """
c01_sceneego_05_08.json | ocam 1280 1024 614.932 527.535 292.413 0 -0.00107561
c02_egowholemocap_01_12.json | ocam 1280 1024 614.669 527.479 291.63 0 -0.000939403
c03_unrealego_image_center.json | ocam 1024 1024 511.118 510.873 516.769 0 -0.00182757
c05_eventego3d.json | ocam 640 480 321.365 236.255 161.147 0 -0.00258314
c06_basalt_t265_kb4.json | refused: holds cameras cam0, cam1
c06_basalt_t265_kb4.json#cam1 | fisheye 848 800 286.95 286.691 431.329 390.075 -0.00917659 0.0507401
c07_basalt_ds.json#cam1 | double_sphere 512 512 157.918 157.89 252.565 255.025 -0.171148 0.592554
c09_kalibr_t265_equi.yaml#cam1 | fisheye 848 800 281.492 280.329 414.099 406.022 -0.00284802
c10_kalibr_ironsides_equi.yaml#cam1 | fisheye 640 480 277.96 279.435 322.404 236.727 -0.0299804
c11_kalibr_euroc_radtan.yaml#cam1 | pinhole 752 480 457.587 456.134 379.999 255.238 -0.283684
c12_camodocal_polyfisheye.yaml | refused: model_type POLYFISHEYE is not supported;
c14_camodocal_pinhole.yaml | pinhole 752 480 461.159 459.753 362.659 248.521 -0.295456 0.0866232
c15_gyroflow_insta360_x4.json | fisheye 3840 2160 1223.32 1228.3 1912 1120.61 0.350945 0.0966675
c17_globalegomocap_bak.json | ocam 1280 1024 639.841 512.11 241.024 0 -0.001746
c18_ocam_homing.txt | ocam 1024 768 456.346 382.829 153.467 0 -0.00103469
c19_ocam_affine14.txt | ocam 1920 1208 958.315 630.103 746.367 0 -0.000887243
c21_kalibr_radtan.yaml | pinhole 1280 720 863.728 863.222 637.524 385.529 0.0885275 -0.225994
c22_colmap_fisheye.txt | fisheye 3264 3264 991 991 1611.5 1616.5 0.0249432 0.0049985
c23_colmap_tpf.txt | thin_prism_fisheye 6048 4032 3411.42 3410.02 3040.79 2013.57 0.21047 0.21102
c24_colmap_fov.txt | fov 1024 1024 300 300 511.5 511.5 0.899632
c27_orbslam3.yaml | fisheye 848 800 285.44 285.572 418.794 412.55 -0.00664654 0.0481589
c29_camodocal_kb.yaml | fisheye 640 512 413.326 413.702 305.951 259.444 -0.0612557 -0.00379674
c30_opencv.xml | pinhole 0 0 639.244 639.425 328.894 236.703 0.0462277 -0.525895 -0.00392289
c31_ros_echo_plumb4.yaml | refused: tangential terms of 2.38598 and 3.28246 are
c32_ros_raspicam14.yaml | pinhole 640 480 318.254 318.645 305.963 219.229 -5.1639 8.47801
c34_ros2_echo_equi_nodash.yaml | fisheye 848 800 282.02 280.715 415.956 396.661 -0.003269 0.0540526
c35_ros2_echo_two_msgs.yaml | fisheye 848 800 282.02 280.715 415.956 396.661 -0.003269 0.0540526
c36_kalibr_omni.yaml | unified 752 480 833.006 830.345 373.85 253.749 0.800657 -0.335188
c38_kalibr_eucm.yaml | eucm 512 512 190.9 190.9 254.9 256.9 0.62 1.05
c39_kalibr_fov.yaml | fov 752 480 334.24 333.604 368.203 252.393 0.962084
c40_nerfstudio_fisheye.json | fisheye 1408 1408 610.284 612.904 703.5 703.5 0.400031 -0.559467
c42_opensfm.json | fisheye 1920 1440 960 960 959.5 719.5 0.01 -0.002
c43_pyocamcalib.json | ocam 0 0 760.43 422.55 273.67 0 -0.00161
c45_omnidir_xi.json | unified 752 480 833.006 830.345 373.85 253.749 0.800657 -0.335188
c46_azure_kinect_named.json | pinhole 1280 720 611.376 611.502 638.557 368.106 0.490095 -2.6692
c47_matlab_transposed.json | refused: the camera matrix is transposed, as MATLAB's,
c48_agisoft.xml | fisheye 3840 2880 1093.4 1093.4 1922.6 1427.7 0.052 -0.0046
c49_meshroom.sfm | refused: not a calibration of a known kind; known are
c53_ost_ini.txt | refused: a camera that sees no further than 10° from
c54_yaml_capital_K_tuple.yaml | refused: not a calibration of a known kind; as YAML or
c55_multi_cam_named.yaml#cam1 | pinhole 480 270 239.028 238.778 238.826 133.79 -0.0557199 0.0688845
c56_ocam_crlf.txt | ocam 1920 1208 958.315 630.103 746.367 0 -0.000887243
c57_ocam_bom.txt | ocam 1920 1208 958.315 630.103 746.367 0 -0.000887243
c58_kalibr_bom.yaml | refused: holds cameras cam0, cam1
c59_json_bom.json | ocam 1280 1024 614.932 527.535 292.413 0 -0.00107561
c60_json_utf16.json | ocam 1280 1024 614.932 527.535 292.413 0 -0.00107561
c61 cam #2 (links).yaml | refused: holds cameras cam0, cam1
c61 cam #2 (links).yaml#cam1 | fisheye 848 800 281.492 280.329 414.099 406.022 -0.00284802 0.054299
c62_two_cams.yaml | refused: holds cameras cam0, cam1
c63_cv2fisheye.json | fisheye 1408 1408 610.284 612.904 704 702.5 0.400031 -0.559467
c63_cv2fisheye.xml | fisheye 1408 1408 610.284 612.904 704 702.5 0.400031 -0.559467
c63_cv2fisheye.yml | fisheye 1408 1408 610.284 612.904 704 702.5 0.400031 -0.559467
c63_cv2fisheye.yml.gz | fisheye 1408 1408 610.284 612.904 704 702.5 0.400031 -0.559467
c65_colmapbin | fisheye 3264 3264 991 991 1611.5 1616.5 0.0249 0.005
c66_t265_plumb5.yaml | refused: tangential terms of -0.0364043 and 0.00593686
c68_ros2_skew.yaml | refused: the camera matrix has a skew of 4.26466,
c69_normalised_K.json | refused: a focal length of 0.2755 is not one in
c71_units_mm.json | refused: a focal length of 3.1 is not one in pixels:
c72_neg_cx.json | refused: the principal point (-654.7, 400.9) lies
c73_roi.yaml | fisheye 800 800 352.6 352.7 654.7 400.9 -0.0563 -0.00383
c74_brown_k4_named.json | refused: k4 without k5, k6 = 0.11: the pinhole model has no such term
c75_iphone17pro_uw_gyroflow_as_opencv.json | fisheye 1008 756 400.762 400.507 527.206 376.96
c76_kb6_named.json | fisheye 1408 1408 610.9 610.9 714.7 703.9 0.406 -0.489
c78_kb8_alias.json | fisheye 848 800 285.44 285.572 418.794 412.55 -0.0066 0.0482
c79_k1k2_named.json | refused: k1, k2 alone may be of several lenses: state
c55_multi_cam_named.yaml#2 | pinhole 480 270 241.434 241.15 241.467 135.841 -0.0557463
c09_kalibr_t265_equi.yaml#left | refused: holds no camera left, but cam0, cam1
c65_colmapbin/cameras.bin | fisheye 3264 3264 991 991 1611.5 1616.5 0.0249
"""
FILES = dict(line.split(" | ") for line in _TABLE.strip().splitlines())
