// The parts of Asio that this room uses; precompiled, because they cost seconds a file.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace chasqui::http {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

template <typename T>
using Task = asio::awaitable<T>;

// Awaited operations return tuples that begin with an error code; nothing throws.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

}  // namespace chasqui::http
