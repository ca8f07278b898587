// Boost.Asio (with its OpenSSL part) and Boost.Beast, compiled once: the headers alone would cost
// every file that names a socket half a minute.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
