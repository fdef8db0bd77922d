// Messages about documents: run.json, services.json, args.json, policy, config.json, annotations.
#include <array>

#include "advice/explain.h"

namespace xc::advice {
namespace {

constexpr std::array entries{
    Entry{"not JSON: *", "the document is not JSON (RFC 8259): no remarks, no comma behind the last element",
          "xc-inject check FILE shows the place"},
    Entry{"duplicate key *|* stands there twice|"
          "differs from * only by case, and engines disagree about such keys; "
          "remove it",
          "two readers of this document would not read the same", "remove one of the two"},
    Entry{"a zero with a minus sign is not accepted|the number * is out of range|binary data is not JSON|"
          "a NUL byte|a "
          "string with a NUL in it|a string of * bytes, more than the|more than the * values allowed|"
          "nested deeper "
          "than the * levels allowed|is not UTF-8|begins with a byte order mark|a key with control characters",
          "the document holds something that is JSON for some readers only, or more than any manifest needs",
          "remove it; xc-inject check FILE shows the place"},
    Entry{"is empty|is larger than the * bytes allowed|grew beyond the bytes allowed while it was read|"
          "holds more than "
          "can be handed on",
          "a manifest has 1 byte to 64 KiB, a config.json up to 1 MiB",
          "look whether the file is the one that was meant"},
    Entry{"the JSON library gave up without saying why", "a defect of xconnect", "tell us, with the document"},
    Entry{"expected a regular file, found *",
          "where a manifest should be is a link, a directory, a FIFO or a device; none of them is read, "
          "since it could "
          "be swapped or never answer",
          "put the file itself there"},
    Entry{"belongs to uid *; it must belong to root|may be written by others than its owner; remove that",
          "what the host believes must not be changeable by others", "chown root FILE; chmod go-w FILE"},
    Entry{"expected *, found *|: expected *", "a value of the document has another form than its key asks for",
          "xc-inject check FILE shows the place; schemas/ has examples"},
    Entry{"has no *, which it must have", "a key that cannot be left out is missing", "add it; schemas/ has examples"},
    Entry{"is not known here, and ignoring it could grant too much",
          "in documents that grant rights an unknown key is an error: it may have been meant to narrow one",
          "correct its spelling, or remove it; a key that begins with # is a remark"},
    Entry{"is not known and has no effect; did you mean *", "the key is ignored, and looks like a misspelt one",
          "correct its spelling"},
    Entry{"says that this is a * document, and it is read as *",
          "\"#spec\" names another kind of document than the one that is expected here", "put the right file there"},
    Entry{"a role's name must be *|* is not a name: expected 1 to 64 of *",
          "names of services, roles and containers end up in headers, paths and logs",
          "use letters, digits, '_', '.' and '-', not beginning with '.' or '-'"},
    Entry{"holds *, more than the * allowed|more than the * requirements allowed|"
          "annotations: more than the 64 "
          "requirements allowed|* services are asked for, 64 are the limit|"
          "* services are offered, 64 are the limit",
          "more than one container can need", "split it among containers"},
    Entry{"only services of type dbus own a bus name|only services of type unix are told by it who calls|"
          "only services "
          "of type unix have another kind of socket",
          "the key belongs to another type of service", "remove the key, or correct \"type\""},
    Entry{"services of type * have no rules; those with rules are rest, dbus, wayland, unix and vchan",
          "devices are given wholly or not at all", "remove \"roles\", and say \"allow\" instead"},
    Entry{"says either \"prefix\" or \"pin\"", "a title is prefixed, or fixed, not both", "remove one of the two"},
    Entry{"the number of an argument must be 0, 1, 2 or 3|dbus rule * \"*\": expected *",
          "a rule of a bus is not understood", "schemas/rules.schema.json has the words, schemas/examples shows them"},
    Entry{"names no consumer, or no service", "an edge of an xconnect-graph must say who uses what",
          "correct the graph"},
    Entry{"annotation *: *", "an io.xconnect annotation is not understood",
          "io.xconnect.require.SERVICE = TARGET[;role=R][;optional][;provider=P], io.xconnect.run or "
          "io.xconnect.services = /path"},
    Entry{"expected the absolute path of a file on the host|: expected an absolute path|: is not "
          "there|*/config.json: is not there",
          "a document that was named is not where it should be", "correct the path, or make the file"},
    Entry{"was taken away while the directory was read",
          "a file of the configuration vanished between looking and reading", "start the container again"},
    Entry{"interface * is not a bus name: expected one such as",
          "\"interface\" narrows what a link may do on a bus, by bus name",
          "write \"org.example.Name\" or \"org.example.*\""},
    Entry{"has no *, which the template puts into text|is no text, and the template puts it into some",
          "the template of xc-inject render needs a key that args.json does not have",
          "add it to args.json, or write ${args.KEY:-what stands there otherwise}"},
    Entry{"service * is offered twice|* offers * twice", "a name must mean one service", "rename one of them"},
    Entry{"left out: asks for bus names, which only a hosted bus can give|left out: the type *|"
          "not granted: the role *",
          "the entry is one that other software understands and this one does not; the rest of the document "
          "counts",
          "nothing, unless that service is needed"},
    Entry{"the reading process *",
          "documents are parsed by a child that holds nothing; it died, was silent or answered nonsense: the "
          "document "
          "made it do so, or the host is very busy",
          "try again; if it stays so, tell us, with the document"},
};

}  // namespace

const std::span<const Entry> manifest_entries = entries;

}  // namespace xc::advice
