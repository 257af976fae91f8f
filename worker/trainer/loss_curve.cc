#include "worker/trainer/loss_curve.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

namespace ocellus::trainer {
namespace {

constexpr double kWidth = 860, kHeight = 480;
constexpr double kLeft = 72, kRight = 24, kTop = 52, kBottom = 60;
constexpr size_t kPointsMax = 1200;

struct Point {
  double step = 0;
  double loss = 0;
};

struct Axis {
  double low = 0, high = 1, tick = 1;
};

// 1, 2 or 5 times a power of ten, so that about `wanted` ticks fit.
double NiceTick(double range, int wanted) {
  const double rough = range / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) return factor * power;
  }
  return 10 * power;
}

Axis MakeAxis(double low, double high, int ticks) {
  if (high - low < 1e-12) high = low + std::max(1e-6, std::abs(low) * 0.1);
  Axis axis;
  axis.tick = NiceTick(high - low, ticks);
  axis.low = std::floor(low / axis.tick) * axis.tick;
  axis.high = std::ceil(high / axis.tick) * axis.tick;
  return axis;
}

double X(const Axis& axis, double step) {
  return kLeft + (step - axis.low) / (axis.high - axis.low) * (kWidth - kLeft - kRight);
}

double Y(const Axis& axis, double loss) {
  const double share = std::clamp((loss - axis.low) / (axis.high - axis.low), 0.0, 1.0);
  return kHeight - kBottom - share * (kHeight - kTop - kBottom);
}

std::vector<Point> FinitePoints(const History& history) {
  std::vector<Point> points;
  for (const HistoryRecord& record : history.records()) {
    if (std::isfinite(record.loss)) points.push_back({double(record.step), record.loss});
  }
  return points;
}

// Exponential running mean over about one 50th of the run, without a bias to its start.
std::vector<Point> Smooth(const std::vector<Point>& points) {
  const double keep = 1.0 - 1.0 / std::max(2.0, static_cast<double>(points.size()) / 50.0);
  std::vector<Point> smooth;
  double sum = 0, weight = 0;
  for (const Point& point : points) {
    sum = keep * sum + point.loss;
    weight = keep * weight + 1;
    smooth.push_back({point.step, sum / weight});
  }
  return smooth;
}

std::string Polyline(const std::vector<Point>& points, const Axis& x, const Axis& y,
                     const char* style) {
  const size_t stride = std::max<size_t>(1, points.size() / kPointsMax);
  std::string text = "<polyline fill=\"none\" " + std::string(style) + " points=\"";
  char pair[64];
  for (size_t i = 0; i < points.size(); i += stride) {
    std::snprintf(pair, sizeof(pair), "%.1f,%.1f ", X(x, points[i].step), Y(y, points[i].loss));
    text += pair;
  }
  return text + "\"/>\n";
}

std::string Text(double x, double y, const char* extra, const std::string& text) {
  char head[160];
  std::snprintf(head, sizeof(head), "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, extra);
  return head + text + "</text>\n";
}

std::string Line(double x1, double y1, double x2, double y2, const char* colour) {
  char line[200];
  std::snprintf(line, sizeof(line),
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1,
                x2, y2, colour);
  return line;
}

std::string TickText(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", std::abs(value) < 1e-12 ? 0.0 : value);
  return text;
}

std::string Axes(const Axis& x, const Axis& y) {
  const double base = kHeight - kBottom;
  std::string svg;
  for (int i = 0; y.low + i * y.tick <= y.high + y.tick / 2; ++i) {
    const double value = y.low + i * y.tick;
    svg += Line(kLeft, Y(y, value), kWidth - kRight, Y(y, value), "#e6e6e6");
    svg += Text(kLeft - 8, Y(y, value) + 4, "text-anchor=\"end\"", TickText(value));
  }
  for (int i = 0; x.low + i * x.tick <= x.high + x.tick / 2; ++i) {
    const double value = x.low + i * x.tick;
    svg += Line(X(x, value), base, X(x, value), base + 5, "#555");
    svg += Text(X(x, value), base + 20, "text-anchor=\"middle\"", TickText(value));
  }
  svg += Line(kLeft, base, kWidth - kRight, base, "#555");
  svg += Line(kLeft, kTop, kLeft, base, "#555");
  svg +=
      Text((kLeft + kWidth - kRight) / 2, kHeight - 16, "text-anchor=\"middle\"", "optimizer step");
  char turned[120];
  std::snprintf(turned, sizeof(turned), "text-anchor=\"middle\" transform=\"rotate(-90 20 %.1f)\"",
                (kTop + base) / 2);
  return svg + Text(20, (kTop + base) / 2, turned, "loss");
}

std::string ChanceLine(double loss, const Axis& y) {
  char line[240];
  std::snprintf(line, sizeof(line),
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#b04040\" "
                "stroke-width=\"1.4\" stroke-dasharray=\"7 5\"/>\n",
                kLeft, Y(y, loss), kWidth - kRight, Y(y, loss));
  return line + Text(kWidth - kRight - 4, Y(y, loss) - 6, "text-anchor=\"end\" fill=\"#b04040\"",
                     "chance " + TickText(loss));
}

std::string Escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '<') {
      escaped += "&lt;";
    } else if (c == '&') {
      escaped += "&amp;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string LossCurve(const History& history, const std::string& title) {
  const std::vector<Point> points = FinitePoints(history);
  double low = 0, high = 1, last = 1;
  for (size_t i = 0; i < points.size(); ++i) {
    low = i == 0 ? points[i].loss : std::min(low, points[i].loss);
    high = i == 0 ? points[i].loss : std::max(high, points[i].loss);
    last = points[i].step;
  }
  const auto chance = history.chance_loss();
  if (chance && !points.empty()) low = std::min(low, *chance), high = std::max(high, *chance);
  const Axis x = MakeAxis(0, last, 8), y = MakeAxis(low, high, 6);
  char head[240];
  std::snprintf(head, sizeof(head),
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
                "font-family=\"sans-serif\" font-size=\"13\" fill=\"#333\">\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                kWidth, kHeight);
  std::string svg = head;
  svg += Text(kLeft, 28, "font-size=\"17\" font-weight=\"bold\"", Escape(title));
  svg += Axes(x, y);
  svg += Polyline(points, x, y, "stroke=\"#9dbfe0\" stroke-width=\"1\"");
  svg += Polyline(Smooth(points), x, y, "stroke=\"#1f5fa8\" stroke-width=\"2.2\"");
  if (chance && !points.empty()) svg += ChanceLine(*chance, y);
  return svg + "</svg>\n";
}

}  // namespace ocellus::trainer
