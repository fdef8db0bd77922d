# Our programs are static; the first name is that of releases before 1.62, the second of those after.
EXTRA_OECMAKE += "-DENABLE_STATIC_LIB=ON -DBUILD_STATIC_LIBS=ON"
