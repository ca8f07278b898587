// Boost.JSON, compiled once (its headers alone declare it).
#include <boost/json/src.hpp>
