#include "tools/pack/scene.h"

namespace ocellus::pack {

const std::vector<Kind>& Kinds() {
  static const std::vector<Kind> kinds = {{"boat", PaintBoat},         {"house", PaintHouse},
                                          {"tree", PaintTree},         {"balloon", PaintBalloon},
                                          {"mountain", PaintMountain}, {"fish", PaintFish},
                                          {"flower", PaintFlower},     {"car", PaintCar},
                                          {"planet", PaintPlanet},     {"cup", PaintCup}};
  return kinds;
}

}  // namespace ocellus::pack
