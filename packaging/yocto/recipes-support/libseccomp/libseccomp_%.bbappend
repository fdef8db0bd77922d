# Our filters are compiled by a program that runs while building and links this library; core has it for targets alone.
BBCLASSEXTEND += "native"
REQUIRED_DISTRO_FEATURES:class-native = ""
