public import CInterface
internal import NanoTS

@c @implementation
public func nanots_install_bus_error_guard() -> nanots_ec_t {
  reporting { () throws(NanoTSError) in try Store.installBusErrorGuard() }
}
