"""MobileNetV3 of Once-for-all: depth of five units, kernel and expansion of each block."""
