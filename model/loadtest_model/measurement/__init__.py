"""What is measured of uploads, and how the parts of many pods become one."""
