<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\output;

use local_copbridge\local\words;

/**
 * How fresh a page is, in words.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class fresh {
    /**
     * Of when figures are, and when they were last compared with Moodle.
     *
     * @param \stdClass $told a standing or a community
     * @param \stdClass|null $community
     * @return string
     */
    public static function text(\stdClass $told, ?\stdClass $community): string {
        // The service tells a standing when it changes; a community, whenever it was looked at.
        $asof = words::moment(max($told->asof, $community->asof ?? 0));
        if (empty($community->swept_at)) {
            return get_string('myhours_asof', 'local_copbridge', $asof);
        }
        $swept = words::moment($community->swept_at);
        return get_string('myhours_asof_compared', 'local_copbridge', ['asof' => $asof, 'swept' => $swept]);
    }
}
