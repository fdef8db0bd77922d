# Recipe for OpenEmbedded (scarthgap). XCONNECT_SOURCE names a clone of the source, by its absolute path. nlohmann-json and
# cli11 come from meta-oe, KDE's and wlroots' protocol files only with XC_WAYLAND_XML. Programs are static-pie: with musl as
# TCLIBC they run in Pantavisor's initramfs as they are.
SUMMARY = "Gives containers exactly the services they were granted, from their engine's own hooks"
LICENSE = "CLOSED"

SRC_URI = "git://${XCONNECT_SOURCE};protocol=file;branch=main"
SRCREV = "${AUTOREV}"
S = "${WORKDIR}/git"

DEPENDS = "libcap nghttp2 nlohmann-json cli11 wayland wayland-protocols libseccomp-native expat-native wayland-native"
inherit cmake pkgconfig

# The compiler of programs that run while building, with its flags: a CMake list.
XC_HOST_CXX = "${@';'.join(' '.join([d.getVar('BUILD_CXX'), d.getVar('BUILD_CXXFLAGS'), d.getVar('BUILD_LDFLAGS')]).split())}"
EXTRA_OECMAKE = "-DXC_TESTS=OFF -DXC_HOST_CXX='${XC_HOST_CXX}' -DXC_LIBEXECDIR=${libexecdir}/xconnect"

# To install the registration of an engine is to switch it on, so each is a package of its own.
do_install:append() {
    install -d ${D}${datadir}/containers/oci/hooks.d ${D}${datadir}/lxc/config/common.conf.d
    install -m 0644 ${B}/files/50-xconnect.json ${B}/files/50-xconnect-end.json ${B}/files/50-xconnect-variables.json ${D}${datadir}/containers/oci/hooks.d
    install -m 0644 ${B}/files/50-xconnect.conf ${D}${datadir}/lxc/config/common.conf.d
}
PACKAGES =+ "${PN}-podman ${PN}-lxc ${PN}-tools libvchan-socket"
FILES:${PN} = "${libexecdir}/xconnect"
FILES:${PN}-podman = "${datadir}/containers"
FILES:${PN}-lxc = "${datadir}/lxc"
FILES:${PN}-tools = "${bindir}/xc-inject ${bindir}/vchan-cat ${datadir}/xconnect ${datadir}/bash-completion ${datadir}/zsh ${datadir}/fish"
FILES:libvchan-socket = "${libdir}/libvchan-socket.so"
RDEPENDS:${PN}-podman = "${PN}"
RDEPENDS:${PN}-lxc = "${PN}"
INSANE_SKIP:libvchan-socket = "dev-so"
